"""chatr replay prints the room as it was at a moment, and what changed between two moments."""

from typing import Any

import pytest

from chatr.domain.commands import AdoptLimits, Post
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_after
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile


def replay(chatr: Chatr, log_file: LogFile, *options: object) -> Any:
    """Run replay and return the JSON object that it prints."""
    result = chatr("replay", "--log", log_file.url, "--json", *options)
    assert (result.code, result.err) == (0, "")
    (room,) = result.json
    return room


def test_the_room_at_a_position(chatr: Chatr, log_file: LogFile) -> None:
    """Position, digest, log id, limits and totals are those of that moment."""
    expected = folded_room(records_after(COMMANDS[:6]))
    room = replay(chatr, log_file, "--at", 6)

    assert {name: room[name] for name in ("position", "time", "digest", "logId", "limits", "stats")} == {
        "position": 6,
        "time": "2026-01-01T00:01:00.000Z",
        "digest": expected.chain_hash.hex(),
        "logId": expected.log_id,
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
def test_agents_that_were_online(chatr: Chatr, log_file: LogFile, at: str, online: list[str]) -> None:
    """Presence is decided by the time of the record at a position, or by the given time."""
    assert [agent["name"] for agent in replay(chatr, log_file, "--at", at)["agents"]] == online


def test_the_default_moment_is_now(chatr: Chatr, log_file: LogFile) -> None:
    """Without --at the whole log is folded, and an agent whose last record is long past is offline."""
    room = replay(chatr, log_file)

    assert (room["position"], room["agents"]) == (10, [])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--at", "4"), []),
        (("--at", "5"), ["Hello, Bob!"]),
        (("--at", "2026-01-01T00:02:30"), ["Hello, Bob!", "Hi!"]),
        ((), ["Hello, Bob!", "Hi!", "See https://example.com"]),
        (("--messages", "1"), ["See https://example.com"]),
        (("--messages", "0"), []),
    ],
)
def test_the_last_messages(chatr: Chatr, log_file: LogFile, options: tuple[str, ...], expected: list[str]) -> None:
    """The last messages up to the moment are printed, oldest first."""
    assert [message["content"] for message in replay(chatr, log_file, *options)["messages"]] == expected


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
def test_the_state_of_an_agent(chatr: Chatr, log_file: LogFile, at: str, expected: tuple[object, ...]) -> None:
    """--agent prints whether it was verified, when it posted, its remaining quota, and when it could post next."""
    ada = replay(chatr, log_file, "--at", at, "--agent", "ada")["agent"]

    assert (
        ada["moltbookVerified"],
        ada["posted"],
        ada["limits"]["messages"]["remaining"],
        ada["nextPost"],
    ) == expected


def test_the_code_of_a_verification_is_left_out(chatr: Chatr, log_file: LogFile) -> None:
    """A verification that was started is printed without its code."""
    result = chatr("replay", "--log", log_file.url, "--at", 7, "--agent", "Ada", "--json")

    assert result.json[0]["agent"]["verification"] == {
        "moltbookName": "ada_of_london",
        "expiresAt": "2026-01-03T00:01:00.000Z",
    }
    assert "K7M2QX9P" not in result.out


def test_the_room_as_tables(chatr: Chatr, log_file: LogFile) -> None:
    """Without --json the room, one agent, the online agents and the last messages are tables."""
    head = folded_room(records_after(COMMANDS[:5])).chain_hash.hex()

    result = chatr("replay", "--log", log_file.url, "--at", 5, "--agent", "Ada")

    assert result.lines == [
        "position  5",
        "time      2026-01-01T00:00:10.000Z",
        f"head      5:{head}",
        f"log       {records_after(COMMANDS)[0].id}",
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


def test_position_0_is_the_empty_room(chatr: Chatr, log_file: LogFile) -> None:
    """At position 0 the room is as before the first record."""
    room = replay(chatr, log_file, "--at", 0)

    assert (room["position"], room["digest"], room["stats"]["totalAgents"]) == (0, "00" * 32, 0)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_digest_of_a_key_is_never_printed(chatr: Chatr, log_file: LogFile, form: tuple[str, ...]) -> None:
    """The state of an agent does not include its key."""
    assert hash_key("ada") not in chatr("replay", "--log", log_file.url, "--agent", "Ada", *form).out


@pytest.mark.parametrize(("first", "second"), [("4", "9"), ("9", "4"), ("2026-01-01T00:00:09", "2026-01-01T00:03")])
def test_the_difference_between_two_moments(chatr: Chatr, log_file: LogFile, first: str, second: str) -> None:
    """--diff prints messages, registrations, badges and presence; the order of the two moments does not matter."""
    diff = replay(chatr, log_file, "--diff", first, second)

    assert {name: diff[name] for name in ("messages", "registered", "verified", "cameOnline", "wentOffline")} == {
        "messages": 3,
        "registered": [],
        "verified": ["Ada"],
        "cameOnline": ["Bob"],
        "wentOffline": [],
    }


def test_the_difference_as_a_table(chatr: Chatr, new_log: LogFile) -> None:
    """Without --json the difference is a table; changed limits are printed before and after."""
    new_limits = Limits(verified=Limit(20, MINUTE))
    new_log.append(
        records_after((*COMMANDS, AdoptLimits(new_limits, START + 5 * MINUTE), Post(ADA, "Bye", START + 5 * MINUTE)))
    )

    result = chatr("replay", "--log", new_log.url, "--diff", 9, 12)

    assert result.lines == [
        "from          position 9, 2026-01-01T00:03:00.000Z",
        "to            position 12, 2026-01-01T00:05:00.000Z",
        "messages      +1",
        "registered    nobody",
        "verified      nobody",
        "came online   nobody",
        "went offline  Bob",
        f"limits        {Limits()} -> {new_limits}",
    ]


def test_a_moment_does_not_differ_from_itself(chatr: Chatr, log_file: LogFile) -> None:
    """The difference between a moment and itself is empty."""
    diff = replay(chatr, log_file, "--diff", 6, 6)

    assert (diff["messages"], diff["registered"], diff["limits"][0]) == (0, [], diff["limits"][1])


def test_a_time_beyond_the_calendar(chatr: Chatr, log_file: LogFile) -> None:
    """A damaged time is printed as it is stored in tables, and as the last time of the calendar in JSON."""
    log_file.alter("update log set at = ? where position = 9", 10**18)

    table, json = chatr("replay", "--log", log_file.url), chatr("replay", "--log", log_file.url, "--json")

    assert (table.code, str(10**18) in table.out) == (0, True)
    assert (json.code, json.json[0]["messages"][-1]["timestamp"]) == (0, "9999-12-31T23:59:59.999Z")


def test_a_missing_record_is_an_error(chatr: Chatr, log_file: LogFile) -> None:
    """If a record is missing the sentence names the record after it."""
    log_file.alter("delete from log where position = 5")

    result = chatr("replay", "--log", log_file.url)

    assert (result.code, result.out, result.err) == (1, "", "chatr: Record 6 cannot follow record 4.\n")
