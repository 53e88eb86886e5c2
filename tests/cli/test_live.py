"""What a running server shows, compared with the log."""

from typing import Any

import pytest
from attrs import evolve

from chatr.adapters.http import render
from chatr.audit import Finding, Head
from chatr.cli import live
from chatr.cli.live import Live, differences
from chatr.domain.commands import Heartbeat, Register
from chatr.domain.keys import digest_of
from chatr.domain.limits import MINUTE
from chatr.testing.clock import START
from chatr.testing.records import accepted, folded
from tests.cli import conftest as cli
from tests.conftest import Room as Running

ROOM = folded(accepted(cli.PAST))
NOON = START + 4 * MINUTE
ADA, BOB = (render.agent(ROOM.agent(agent), online=True) for agent in (cli.ADA, cli.BOB))
SAID = [render.message(said, ROOM.agent(said.agent)) for said in ROOM.history.last(100)]
TRUE = Live(
    Head(ROOM.position, ROOM.head), ROOM.log_id, render.stats(ROOM, NOON), [ADA], SAID, NOON, NOON + 1000, still=True
)
TOTALS = dict(TRUE.stats)


def test_what_is_right() -> None:
    """A server that shows what the log says is not remarked upon."""
    assert list(differences(TRUE, ROOM)) == []


def test_a_newer_server_may_show_more() -> None:
    """Fields that this chatr does not know are nobody's mistake."""
    shown = evolve(TRUE, agents=[ADA | {"mood": "fine"}], messages=[said | {"likes": 0} for said in SAID])

    assert list(differences(shown, ROOM)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"log_id": "other"}, "The server follows another log, other."),
        ({"head": Head(9, ROOM.head)}, "The server is at position 9, where this log is not."),
        ({"head": Head(10, bytes(32))}, f"The server's head is {'00' * 32}."),
        ({"stats": TOTALS | {"totalAgents": 3}}, "The server shows other totals."),
        ({"stats": TOTALS | {"totalMessages": 2}}, "The server shows other totals."),
        ({"stats": TOTALS | {"onlineAgents": 2}}, "The server shows other agents as online."),
        ({"agents": [], "stats": TOTALS | {"onlineAgents": 0}}, "The server shows other agents as online."),
        ({"agents": [ADA, BOB], "stats": TOTALS | {"onlineAgents": 2}}, "The server shows other agents as online."),
        ({"agents": [ADA | {"moltbookVerified": False}]}, "The server shows other agents."),
        ({"messages": SAID[1:]}, "The server shows other messages."),
        ({"messages": [SAID[0] | {"content": "Hello, Eve!"}, *SAID[1:]]}, "The server shows other messages."),
    ],
)
def test_what_is_wrong(change: dict[str, Any], sentence: str) -> None:
    """Each thing that a server shows otherwise is a finding."""
    assert list(differences(evolve(TRUE, **change), ROOM)) == [Finding(10, sentence)]


def test_whose_time_runs_out_meanwhile() -> None:
    """An agent that goes offline while one asks may be shown or not."""
    end = START + 3 * MINUTE + 31 * MINUTE
    early = evolve(TRUE, since=end - 1000, until=end)
    late = evolve(early, agents=[], stats=TOTALS | {"onlineAgents": 0})

    assert [*differences(early, ROOM), *differences(late, ROOM)] == []


def test_a_busy_server() -> None:
    """Where too much happens to look at everything at once, only the head is compared, and that is said."""
    (finding,) = differences(evolve(TRUE, still=False, messages=[]), ROOM)

    assert (finding.note, finding.sentence) == (
        True,
        "Too much happens for comparing what the server shows; its head is right.",
    )


async def test_everybody_who_is_online_is_asked_for(room: Running) -> None:
    """The list comes in pages, and all of them are looked at."""
    for number in range(205):
        register = Register(f"Agent-{number}", None, digest_of(str(number)), START)
        await room.running.node.handle(register)
        await room.running.node.handle(Heartbeat(register.agent, START))

    shown = await live.live(room.running.url, 1)

    assert (len({agent["id"] for agent in shown.agents}), shown.stats["onlineAgents"], shown.still) == (205, 205, True)


async def test_a_server_that_does_not_get_there(room: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it shows in the end is what it is asked about."""
    monkeypatch.setattr(live, "PAUSE", 0)

    shown = await live.live(room.running.url, least=99)

    assert shown.head.position == 1


async def test_something_else_answers(room: Running) -> None:
    """An address at which there is no room is told as such."""
    with pytest.raises(live.NoRoom, match=r"^No room answers at http://localhost:[0-9]+/docs: 404 Not Found\.$"):
        await live.live(f"{room.running.url}/docs", least=1)
