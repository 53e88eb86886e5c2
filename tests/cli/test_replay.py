"""chatr replay: the room as it was."""

from typing import Any

import pytest

from chatr.domain.commands import AdoptLimits, Post
from chatr.domain.keys import digest_of
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.testing.clock import START
from chatr.testing.records import accepted, folded
from tests.cli.conftest import ADA, PAST, Chatr, File


def replayed(chatr: Chatr, file: File, *options: object) -> Any:
    run = chatr("replay", "--log", file.url, "--json", *options)
    assert (run.code, run.err) == (0, "")
    (room,) = run.json
    return room


def test_the_room_at_a_position(chatr: Chatr, file: File) -> None:
    """Position and head, the log's id, the limits in force and the totals are those of that moment."""
    then = folded(accepted(PAST[:6]))
    room = replayed(chatr, file, "--at", 6)

    assert {name: room[name] for name in ("position", "time", "digest", "logId", "limits", "stats")} == {
        "position": 6,
        "time": "2026-01-01T00:01:00.000Z",
        "digest": then.head.hex(),
        "logId": then.log_id,
        "limits": {
            "verified": {"limit": 10, "window": 60},
            "unverified": {"limit": 1, "window": 300},
            "onlineFor": 1800,
        },
        "stats": {"totalAgents": 2, "onlineAgents": 2, "totalMessages": 2},
    }


@pytest.mark.parametrize(
    ("at", "online"),
    [
        ("1", []),
        ("2", []),
        ("3", ["Ada"]),
        ("6", ["Ada", "Bob"]),
        ("10", ["Ada"]),
        ("2026-01-01T00:33:59.999", ["Ada"]),
        ("2026-01-01T00:34", []),
    ],
)
def test_who_was_online(chatr: Chatr, file: File, at: str, online: list[str]) -> None:
    """Whoever was there at that moment, by the clock of that moment: that of the record, or the time that was given."""
    assert [agent["name"] for agent in replayed(chatr, file, "--at", at)["agents"]] == online


def test_now_is_now(chatr: Chatr, file: File) -> None:
    """Without a moment the room is shown as it is: all of it, and whoever is silent since last year is offline."""
    room = replayed(chatr, file)

    assert (room["position"], room["agents"]) == (10, [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--at", "4"), []),
        (("--at", "5"), ["Hello, Bob!"]),
        (("--at", "2026-01-01T00:02:30"), ["Hello, Bob!", "Hi!"]),
        ((), ["Hello, Bob!", "Hi!", "See https://example.com"]),
        (("--messages", "1"), ["See https://example.com"]),
        (("--messages", "0"), []),
    ],
)
def test_what_was_said(chatr: Chatr, file: File, options: tuple[str, ...], said: list[str]) -> None:
    """The last messages by then, oldest first."""
    assert [message["content"] for message in replayed(chatr, file, *options)["messages"]] == said


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("4", (False, [], 1, "2026-01-01T00:00:03.000Z")),
        ("5", (False, ["2026-01-01T00:00:10.000Z"], 0, "2026-01-01T00:05:10.000Z")),
        (
            "2026-01-01T00:05:10",
            (True, ["2026-01-01T00:00:10.000Z", "2026-01-01T00:03:00.000Z"], 10, "2026-01-01T00:05:10.000Z"),
        ),
        ("9", (True, ["2026-01-01T00:00:10.000Z", "2026-01-01T00:03:00.000Z"], 9, "2026-01-01T00:03:00.000Z")),
    ],
)
def test_how_an_agent_stood(chatr: Chatr, file: File, at: str, expected: tuple[object, ...]) -> None:
    """Whether it was verified, when it posted, how much of its quota was left, and when it might post next."""
    ada = replayed(chatr, file, "--at", at, "--agent", "ada")["agent"]

    assert (
        ada["moltbookVerified"],
        ada["posted"],
        ada["limits"]["messages"]["remaining"],
        ada["nextPost"],
    ) == expected


def test_a_verification_under_way(chatr: Chatr, file: File) -> None:
    """What was started and not completed is told, but not its code."""
    run = chatr("replay", "--log", file.url, "--at", 7, "--agent", "Ada", "--json")

    assert run.json[0]["agent"]["verification"] == {
        "moltbookName": "ada_of_london",
        "expiresAt": "2026-01-03T00:01:00.000Z",
    }
    assert "K7M2QX9P" not in run.out


def test_people_are_shown_a_page(chatr: Chatr, file: File) -> None:
    """The same for people: what the room was, one agent, who was online, what was said."""
    head = folded(accepted(PAST[:5])).head.hex()

    run = chatr("replay", "--log", file.url, "--at", 5, "--agent", "Ada")

    assert run.lines == [
        "position  5",
        "time      2026-01-01T00:00:10.000Z",
        f"head      5:{head}",
        f"log       {accepted(PAST)[0].id}",
        f"limits    {Limits()}",
        "totals    2 agents, 1 online, 1 message",
        "",
        "Ada",
        "  online    yes, last seen 2026-01-01T00:00:10.000Z",
        "  verified  no",
        "  posted    2026-01-01T00:00:10.000Z",
        "  may post  1 per 5 minutes: 0 left, next at 2026-01-01T00:05:10.000Z",
        "",
        "online",
        "  Ada  last seen 2026-01-01T00:00:10.000Z",
        "",
        "last messages",
        "  5  2026-01-01T00:00:10.000Z  Ada  Hello, Bob!",
    ]


def test_before_the_first_record(chatr: Chatr, file: File) -> None:
    """Position 0 is the room before anything happened."""
    room = replayed(chatr, file, "--at", 0)

    assert (room["position"], room["digest"], room["stats"]["totalAgents"]) == (0, "00" * 32, 0)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_is_never_shown(chatr: Chatr, file: File, form: tuple[str, ...]) -> None:
    """How an agent stood is no secret, what it is known by is."""
    assert digest_of("ada") not in chatr("replay", "--log", file.url, "--agent", "Ada", *form).out


@pytest.mark.parametrize(("first", "second"), [("4", "9"), ("9", "4"), ("2026-01-01T00:00:09", "2026-01-01T00:03")])
def test_what_changed_between_two_moments(chatr: Chatr, file: File, first: str, second: str) -> None:
    """Whoever registered, got a badge, came or went, and how much was said; the order of the two does not matter."""
    changed = replayed(chatr, file, "--diff", first, second)

    assert {name: changed[name] for name in ("messages", "registered", "verified", "cameOnline", "wentOffline")} == {
        "messages": 3,
        "registered": [],
        "verified": ["Ada"],
        "cameOnline": ["Bob"],
        "wentOffline": [],
    }


def test_a_difference_for_people(chatr: Chatr, empty: File) -> None:
    """What did not change is told as briefly as what did; limits are told before and after."""
    wider = Limits(verified=Limit(20, MINUTE))
    empty.write(accepted((*PAST, AdoptLimits(wider, START + 5 * MINUTE), Post(ADA, "Bye", START + 5 * MINUTE))))

    run = chatr("replay", "--log", empty.url, "--diff", 9, 12)

    assert run.lines == [
        "from          position 9, 2026-01-01T00:03:00.000Z",
        "to            position 12, 2026-01-01T00:05:00.000Z",
        "messages      +1",
        "registered    nobody",
        "verified      nobody",
        "came online   nobody",
        "went offline  Bob",
        f"limits        {Limits()} -> {wider}",
    ]


def test_a_moment_and_itself(chatr: Chatr, file: File) -> None:
    """Nothing changes between a moment and itself."""
    changed = replayed(chatr, file, "--diff", 6, 6)

    assert (changed["messages"], changed["registered"], changed["limits"][0]) == (0, [], changed["limits"][1])


def test_a_time_that_no_calendar_has(chatr: Chatr, file: File) -> None:
    """A time that was spoiled is shown to people as it is stored, and to programs as the end of time."""
    file.alter("update log set at = ? where position = 9", 10**18)

    people, programs = chatr("replay", "--log", file.url), chatr("replay", "--log", file.url, "--json")

    assert (people.code, str(10**18) in people.out) == (0, True)
    assert (programs.code, programs.json[0]["messages"][-1]["timestamp"]) == (0, "9999-12-31T23:59:59.999Z")


def test_a_log_with_a_hole(chatr: Chatr, file: File) -> None:
    """A room cannot be folded over a record that is missing: the sentence says which."""
    file.alter("delete from log where position = 5")

    run = chatr("replay", "--log", file.url)

    assert (run.code, run.out, run.err) == (1, "", "chatr: Record 6 cannot follow record 4.\n")
