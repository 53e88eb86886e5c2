"""What a running server shows is fetched and compared with the room that its log folds to."""

from itertools import count
from typing import Any

import pytest
from attrs import evolve
from msgspec import to_builtins

from chatr import to_wire
from chatr.cli.running_room import RoomAltered, RoomUnreachable, ShownRoom, fetch_room
from chatr.cli.running_room_check import differences
from chatr.domain.chain import ChainPoint
from chatr.domain.commands import Heartbeat, Register
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE
from chatr.node.integrity import Integrity
from chatr.past.audit import Finding
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_after
from tests.cli import conftest as cli
from tests.conftest import Room as RunningRoom

ROOM = folded_room(records_after(cli.COMMANDS))
AT_THE_END = START + 4 * MINUTE
ADA, BOB = (to_builtins(to_wire.agent(ROOM.agent(agent), online=True)) for agent in (cli.ADA, cli.BOB))
MESSAGES = [to_builtins(to_wire.message_in(ROOM, message)) for message in ROOM.history.last(100)]
SHOWN = ShownRoom(
    ChainPoint(ROOM.position, ROOM.chain_hash),
    ROOM.log_id,
    to_builtins(to_wire.stats(ROOM, len(ROOM.online_agents(AT_THE_END)))),
    [ADA],
    MESSAGES,
    AT_THE_END,
    AT_THE_END + 1000,
    is_consistent=True,
)
"""What a server shows that agrees with the log."""
TOTALS = dict(SHOWN.stats)


def test_a_server_that_agrees_has_no_differences() -> None:
    """Nothing is reported if the server shows what the log says."""
    assert list(differences(SHOWN, ROOM)) == []


def test_additional_fields_are_ignored() -> None:
    """A newer server may show fields that this version does not know."""
    shown = evolve(SHOWN, agents=[ADA | {"mood": "fine"}], messages=[message | {"likes": 0} for message in MESSAGES])

    assert list(differences(shown, ROOM)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"log_id": "other"}, "The server follows another log, other."),
        ({"head": ChainPoint(9, ROOM.chain_hash)}, "The server is at position 9, but this log ends here."),
        ({"head": ChainPoint(10, bytes(32))}, f"The server has another digest for this position: {'00' * 32}."),
        ({"stats": TOTALS | {"totalAgents": 3}}, "The server shows other totals."),
        ({"stats": TOTALS | {"totalMessages": 2}}, "The server shows other totals."),
        ({"stats": TOTALS | {"onlineAgents": 2}}, "The server shows other agents as online."),
        ({"agents": [], "stats": TOTALS | {"onlineAgents": 0}}, "The server shows other agents as online."),
        ({"agents": [ADA, BOB], "stats": TOTALS | {"onlineAgents": 2}}, "The server shows other agents as online."),
        ({"agents": [ADA | {"moltbookVerified": False}]}, "The server shows other agents."),
        ({"messages": MESSAGES[1:]}, "The server shows other messages."),
        (
            {"messages": [MESSAGES[0] | {"content": "Hello, Eve!"}, *MESSAGES[1:]]},
            "The server shows other messages.",
        ),
    ],
)
def test_each_difference_is_a_finding(change: dict[str, Any], sentence: str) -> None:
    """Each part that the server shows otherwise is reported in one sentence."""
    assert list(differences(evolve(SHOWN, **change), ROOM)) == [Finding(10, sentence)]


def test_an_agent_whose_time_runs_out_meanwhile() -> None:
    """An agent that goes offline while the room is fetched may be shown as online or not."""
    end = START + 3 * MINUTE + 31 * MINUTE
    still_online = evolve(SHOWN, since=end - 1000, until=end)
    offline = evolve(still_online, agents=[], stats=TOTALS | {"onlineAgents": 0})

    assert [*differences(still_online, ROOM), *differences(offline, ROOM)] == []


def test_of_a_busy_server_only_the_digest_is_compared() -> None:
    """If the room changed during every attempt, a note says that only the digest was compared."""
    (finding,) = differences(evolve(SHOWN, is_consistent=False, messages=[]), ROOM)

    assert (finding.note, finding.sentence) == (
        True,
        "The server changed during every attempt, so only its digest was compared; it is right.",
    )


async def test_all_online_agents_are_fetched(room: RunningRoom) -> None:
    """The list of online agents comes in pages, and every page is fetched."""
    for number in range(205):
        register = Register(f"Agent-{number}", None, hash_key(str(number)), START)
        await room.running.node.commands.handle(register)
        await room.running.node.commands.handle(Heartbeat(register.agent, START))

    shown = await fetch_room(room.running.url, 1)

    assert (len({agent["id"] for agent in shown.agents}), shown.stats["onlineAgents"], shown.is_consistent) == (
        205,
        205,
        True,
    )


async def test_a_server_that_does_not_reach_the_position(room: RunningRoom) -> None:
    """After the last attempt the room is returned as it is then."""
    shown = await fetch_room(room.running.url, min_position=99, pause=0)

    assert shown.head.position == 1


async def test_an_address_without_a_room(room: RunningRoom) -> None:
    """The error names the address and the response."""
    with pytest.raises(RoomUnreachable, match=r"^No room answers at http://localhost:[0-9]+/docs: 404 Not Found\.$"):
        await fetch_room(f"{room.running.url}/docs", min_position=1)


async def test_a_room_that_is_being_verified(room: RunningRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server shows is consistent, although it verifies more of its log between two requests."""
    numbers = count()
    monkeypatch.setattr(Integrity, "verified_to", property(lambda _: next(numbers)))
    shown = await fetch_room(room.running.url, 1)

    assert shown.is_consistent


async def test_a_room_whose_log_was_altered(room: RunningRoom) -> None:
    """The error says that the server has noticed it, and what to do instead."""
    room.running.node.integrity.report(1)
    with pytest.raises(RoomAltered, match="run chatr audit without --url"):
        await fetch_room(room.running.url, min_position=1)
