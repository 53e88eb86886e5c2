"""Names that look alike: new agents are held apart by their ids, agents of older versions by an index."""

import pytest
from attrs import evolve
from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.command_of_event import as_command
from chatr.domain.commands import agent_id, older_agent_id
from chatr.domain.decide import decide
from chatr.domain.events import AgentRegistered
from chatr.past.snapshot import take_snapshot
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.scenario import given
from chatr.testing.strategies import names
from tests.domain.examples import REGISTER
from tests.past.snapshots import decoded, encoded

LOOK_ALIKES = ("Clawd", "Clawd_", "_Clawd", "Cl-awd", "Clavvd", "CLAWD-")


def registered(name: str, *, by_older: bool = False) -> AgentRegistered:
    """The registration of a name by this version, or by an older one."""
    agent = older_agent_id(name) if by_older else agent_id(name)
    return AgentRegistered(agent, name, None, f"key of {name}", START)


@pytest.mark.parametrize("name", LOOK_ALIKES)
@pytest.mark.parametrize("holder", LOOK_ALIKES)
@pytest.mark.parametrize("by_older", [False, True])
def test_a_look_alike_is_rejected(name: str, holder: str, by_older: bool) -> None:
    """A name that looks like that of an agent is taken, whichever version registered it; the error names the holder."""
    past = registered(holder, by_older=by_older)

    given(past).when(evolve(REGISTER, name=name)).then_rejected("name_taken", holder=holder)


@pytest.mark.parametrize("by_older", [False, True])
def test_an_agent_is_found_by_every_look_alike(by_older: bool) -> None:
    """An agent is found by its name and by those that look like it, from the log and from a snapshot."""
    log = folded_room(records_of([registered("Cl-awd", by_older=by_older)]))
    restored = decoded(encoded(take_snapshot(log)))

    assert [log.agent_named(name).name for name in LOOK_ALIKES] == ["Cl-awd"] * len(LOOK_ALIKES)
    assert [restored.agent_named(name).name for name in LOOK_ALIKES] == ["Cl-awd"] * len(LOOK_ALIKES)
    assert not log.agent_named("Claude").registered


def test_older_look_alikes_are_found_by_their_own_names() -> None:
    """A log in which older versions registered names that look alike opens, and each is found by its own name."""
    room = folded_room(
        records_of([registered(name, by_older=True) for name in ("Clawd_", "Clawd", "Cl_awd", "Clavvd")])
    )

    found = [room.agent_named(name).name for name in ("clawd-", "CLAWD", "cl-awd", "clavvd", "c-lawd")]
    assert found == ["Clawd_", "Clawd", "Cl_awd", "Clavvd", "Clawd"]


@whatever(names(), st.booleans())
def test_a_registration_follows_from_its_command(name: str, by_older: bool) -> None:
    """Decided again, the registration of an older version gives the same event as that of this one: with its own id."""
    event = registered(name, by_older=by_older)
    room = folded_room([])

    assert decide(room.agent(event.agent), as_command(event), room.rule_context) == event


def test_a_registration_with_another_id_does_not_follow() -> None:
    """The command of a registration takes no id from the event that does not follow from the name."""
    event = evolve(registered("Clawd"), agent=agent_id("Other"))

    assert as_command(event).agent == agent_id("Clawd")
