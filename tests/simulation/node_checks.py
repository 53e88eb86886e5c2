"""What must be true of every node at any moment."""

from collections.abc import Sequence
from math import inf
from typing import Final

from chatr.domain.identity import AgentId
from chatr.domain.room import Room
from tests.simulation.oracle import Oracle
from tests.simulation.process import Process

STEPS_BETWEEN_ROOM_CHECKS: Final = 10
"""Comparing whole rooms takes long, so one room is compared every ten steps."""


def check_nodes(oracle: Oracle, processes: Sequence[Process], step: int) -> None:
    """Check where all nodes are and, every few steps, what one of them holds."""
    for process in processes:
        if process.node is not None:
            check_position(oracle, process.node.room, process.name)
    number, rest = divmod(step, STEPS_BETWEEN_ROOM_CHECKS)
    process = processes[number % len(processes)]
    if not rest and process.node is not None and oracle.is_caught_up(process.node):
        check_room(oracle, process.node.room, process)


def check_position(oracle: Oracle, room: Room, name: str) -> None:
    """A node must have folded the records of some branch."""
    if room.position and oracle.chain_hashes.get(room.chain_hash.hex()) != room.position:
        oracle.report(f"{name} at {room.position} has not read this log")


def check_room(oracle: Oracle, room: Room, process: Process) -> None:
    """A node that has folded the whole log must have the same room, and open exactly the keys that are not void.

    An agent that is suspended for ever is offline there.
    """
    branch = oracle.branch
    if not branch.has_same_room(room):
        oracle.report(f"{process.name} at {room.position} has another room than the same records fold into here")
    for sentence in branch.open_keys.differences(room, process.now()):
        oracle.report(f"at {process.name} {sentence}")
    for agent, until in branch.moderation.suspended_until.items():
        if until == inf and room.agents[AgentId(agent)].present:
            oracle.report(f"{process.name} shows {agent}, which is suspended, as online")
