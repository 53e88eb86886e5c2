"""Compares what a running server shows with the room that its log folds to."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import to_builtins

from chatr import to_wire
from chatr.cli.running_room import MESSAGES_FETCHED, ShownRoom
from chatr.domain.room import Room
from chatr.past.audit import Finding


def differences(shown: ShownRoom, room: Room) -> Iterator[Finding]:
    """Yield a finding for each part of the server's room that differs from the room that the log folds to.

    If the two are not at the same record, only that is reported.
    """
    if shown.log_id != room.log_id:
        yield Finding(room.position, f"The server follows another log, {shown.log_id}.")
    elif shown.head.position != room.position:
        yield Finding(room.position, f"The server is at position {shown.head.position}, but this log ends here.")
    # The digest covers every record, but not the room that the server folded from them: that is compared below.
    elif shown.head.chain_hash != room.chain_hash:
        yield Finding(room.position, f"The server has another digest for this position: {shown.head.chain_hash.hex()}.")
    elif not shown.is_consistent:
        sentence = "The server changed during every attempt, so only its digest was compared; it is right."
        yield Finding(room.position, sentence, note=True)
    else:
        yield from (Finding(room.position, f"The server shows other {part}.") for part in wrong_parts(shown, room))


def wrong_parts(shown: ShownRoom, room: Room) -> Iterator[str]:
    """Yield the name of each part that differs: totals, agents as online, agents, messages."""
    # An agent whose time ran out between `since` and `until` may be shown as online or not.
    early, late = ({agent.id for agent in room.online_agents(at)} for at in (shown.since, shown.until))
    agents = {agent["id"]: agent for agent in shown.agents}
    totals = {"totalAgents": len(room.agents), "totalMessages": room.history.visible_count}
    newest = room.history.last(MESSAGES_FETCHED)
    messages = [to_builtins(to_wire.message_in(room, message)) for message in newest]
    if not agrees(totals, shown.stats):
        yield "totals"
    if not (early & late <= agents.keys() <= early | late and len(agents) == shown.stats["onlineAgents"]):
        yield "agents as online"
    if not all(agrees(to_builtins(to_wire.agent(room.agent(agent), online=True)), agents[agent]) for agent in agents):
        yield "agents"
    # After a thousand removals in a row the room has fewer in memory than the server reads from the log.
    in_memory = len(shown.messages) if room.history.holds_last(MESSAGES_FETCHED) else len(messages)
    known = shown.messages[max(0, len(shown.messages) - in_memory) :]
    if len(messages) != len(known) or not all(map(agrees, messages, known)):
        yield "messages"


def agrees(expected: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Return whether `shown` has all expected fields with their values. A newer server may show more fields."""
    return all(shown.get(name) == value for name, value in expected.items())
