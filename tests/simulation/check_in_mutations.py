"""Mistakes that somebody might make in what check-ins show and record. See `mutations`."""

from typing import Final

from attrs import evolve

from chatr.domain.addressing import Addressing
from chatr.domain.commands import Heartbeat
from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.inbox import Inbox, inbox
from chatr.domain.room import Room
from chatr.domain.rule import RuleContext
from chatr.past import snapshot
from chatr.past.snapshot import Prefix, Snapshot
from tests.simulation.mutations import Mutation


def without_acknowledgement(agent: AgentId, at: int, _read: int) -> Heartbeat:
    """Do not record what an agent acknowledges."""
    return Heartbeat(agent, at)


def nothing_is_addressed(_context: RuleContext, _agent: AgentId, _after: int, _until: int) -> bool:
    """Leave every acknowledgement to the next activity record."""
    return False


def pass_what_is_left_out(history: History, agent: AgentId, after: int, end: int, limit: int) -> Inbox:
    """Let the cursor pass what did not fit into the response."""
    return evolve(inbox(history, agent, after, end, limit), has_more=False, read_to=end)


def snapshot_without_mentions(room: Room) -> Snapshot:
    """Leave out of checkpoints whom messages mention."""
    return evolve(snapshot.take_snapshot(room), mentions=(Prefix((), 0), Prefix((), 0)))


def stay_hidden(_addressing: Addressing, _position: int) -> None:
    """Address a restored message to nobody."""


CHECK_IN_MUTATIONS: Final = {
    "forget what was acknowledged": Mutation(
        "chatr.adapters.http.endpoints.checkin.Heartbeat", without_acknowledgement
    ),
    "record no acknowledgement at once": Mutation("chatr.domain.rule.RuleContext.is_addressed", nothing_is_addressed),
    "pass what is left out": Mutation("chatr.adapters.http.endpoints.checkin.inbox", pass_what_is_left_out),
    "leave mentions out of checkpoints": Mutation("chatr.past.checkpoint.take_snapshot", snapshot_without_mentions),
    "lose restored messages": Mutation("chatr.domain.addressing.Addressing.show", stay_hidden),
}
