"""chatr log: records, as they stand."""

import pytest
from attrs import evolve

from chatr.domain.events import AgentRegistered, MessagePosted
from chatr.domain.keys import digest_of
from chatr.domain.limits import Limits
from chatr.testing.clock import START
from chatr.testing.records import accepted, happened
from tests.cli.conftest import ADA, PAST, Chatr, File

STARTED = "as ada_of_london, [K7M2QX9P] until 2026-01-03T00:01:00.000Z"


def positions(chatr: Chatr, file: File, *options: object) -> list[int]:
    run = chatr("log", "--log", file.url, "--json", *options)
    assert (run.code, run.err) == (0, "")
    return [record["position"] for record in run.json]


def test_every_record_is_a_line(chatr: Chatr, file: File) -> None:
    """The table has position, time, agent, type, and what happened, oldest first."""
    run = chatr("log", "--log", file.url)

    assert run.code == 0
    assert [line.split(maxsplit=4) for line in run.lines] == [
        ["1", "2026-01-01T00:00:00.000Z", "-", "limits-adopted", str(Limits())],
        ["2", "2026-01-01T00:00:01.000Z", "Ada", "agent-registered", "🦀"],
        ["3", "2026-01-01T00:00:02.000Z", "Ada", "agent-seen"],
        ["4", "2026-01-01T00:00:03.000Z", "Bob", "agent-registered"],
        ["5", "2026-01-01T00:00:10.000Z", "Ada", "message-posted", "Hello, Bob! (Idempotency-Key first)"],
        ["6", "2026-01-01T00:01:00.000Z", "Bob", "message-posted", "Hi!"],
        ["7", "2026-01-01T00:01:00.000Z", "Ada", "verification-started", STARTED],
        ["8", "2026-01-01T00:02:00.000Z", "Ada", "agent-verified", "as ada_of_london of countess, by post post-1"],
        ["9", "2026-01-01T00:03:00.000Z", "Ada", "message-posted", "See https://example.com"],
        ["10", "2026-01-01T00:04:00.000Z", "Bob", "agent-left"],
    ]


def test_json_is_the_record_as_it_is_stored(chatr: Chatr, file: File) -> None:
    """A line of JSON holds all that is stored of a record, its data opened, and the agent's name."""
    record = accepted(PAST)[5]
    posted = record.event
    assert isinstance(posted, MessagePosted)

    (told,) = chatr("log", "--log", file.url, "--json", "--after", 5, "--before", 7).json

    assert told == {
        "position": 6,
        "time": "2026-01-01T00:01:00.000Z",
        "name": "Bob",
        "type": "message-posted.v1",
        "data": {"agent": posted.agent, "content": "Hi!", "idempotency_key": None},
        "stream": f"agent/{posted.agent}",
        "previous": 4,
        "id": record.id,
        "at": posted.at,
        "seen": 5,
        "check": record.check.hex(),
    }


@pytest.mark.parametrize("name", ["Ada", "ada", "ADA"])
def test_what_one_agent_did(chatr: Chatr, file: File, name: str) -> None:
    """An agent is found by every name that is its own, and its badge is found in the stream of its account."""
    assert positions(chatr, file, "--agent", name) == [2, 3, 5, 7, 8, 9]


def test_an_agent_who_never_came(chatr: Chatr, file: File) -> None:
    """Whoever has not registered did nothing."""
    assert positions(chatr, file, "--agent", "Eve") == []


@pytest.mark.parametrize("type_", ["message-posted", "message-posted.v1"])
def test_one_type(chatr: Chatr, file: File, type_: str) -> None:
    """A type is named with or without its version."""
    assert positions(chatr, file, "--type", type_) == [5, 6, 9]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--after", "8"), [9, 10]),
        (("--before", "3"), [1, 2]),
        (("--before", "0"), []),
        (("--after", "3", "--before", "6"), [4, 5]),
        (("--after", "99"), []),
        (("--after", "2026-01-01T00:01"), [8, 9, 10]),
        (("--before", "2026-01-01T00:01"), [1, 2, 3, 4, 5]),
        (("--after", "2026-01-01T01:02+01:00"), [9, 10]),
        (("--after", "7", "--before", "2026-01-01T00:04"), [8, 9]),
        (("--last", "2"), [9, 10]),
        (("--last", "0"), []),
        (("--last", "99"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (("--last", "2", "--type", "message-posted"), [6, 9]),
        (("--last", "1", "--before", "5", "--agent", "Ada"), [3]),
    ],
)
def test_a_part_of_the_log(chatr: Chatr, file: File, options: tuple[str, ...], expected: list[int]) -> None:
    """What was asked for stands after and before positions and times, neither included; the last are counted last."""
    assert positions(chatr, file, *options) == expected


def test_records_are_told_by_their_own_time(chatr: Chatr, empty: File) -> None:
    """A clock that stepped back hides no record from whoever asks by time."""
    came = AgentRegistered(ADA, "Ada", None, digest_of("ada"), START + 60_000)
    late, early = MessagePosted(ADA, "late", None, START + 90_000), MessagePosted(ADA, "early", None, START)
    empty.write(happened([came, late, early, evolve(late, content="late again")]))

    assert positions(chatr, empty, "--before", "2026-01-01T00:01") == [3]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_is_not_shown(chatr: Chatr, file: File, form: tuple[str, ...]) -> None:
    """The digest of a key stays in the log unless somebody asks for it."""
    assert digest_of("ada") not in chatr("log", "--log", file.url, *form).out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_is_shown_to_whoever_asks(chatr: Chatr, file: File, form: tuple[str, ...]) -> None:
    """With --keys the digests are there."""
    assert digest_of("ada") in chatr("log", "--log", file.url, "--keys", *form).out


def test_no_text_moves_the_cursor(chatr: Chatr, empty: File) -> None:
    """What an older chatr may have let in is written out: controls, lines, and what turns the reading direction."""
    text = "a\x1b[2Jb\u202ec\u2066d\ne\u2028f\u200bg \u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f4bb"
    came = AgentRegistered(ADA, "Ada", None, digest_of("ada"), START)
    empty.write(happened([came, MessagePosted(ADA, text, None, START)]))

    run = chatr("log", "--log", empty.url, "--type", "message-posted")

    assert run.out.rstrip("\n").endswith(
        r"a\x1b[2Jb\u202ec\u2066d\ne\u2028f\u200bg " + "\u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f4bb"
    )


def test_a_time_that_no_calendar_has(chatr: Chatr, file: File) -> None:
    """A time that was spoiled is shown as it is stored."""
    file.alter("update log set at = ? where position = 5", 10**18)

    assert str(10**18) in chatr("log", "--log", file.url).lines[4]


def test_an_empty_log(chatr: Chatr, empty: File) -> None:
    """A log without records prints nothing."""
    empty.write([])

    assert positions(chatr, empty, "--last", "5") == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("type = 'agent-danced.v1'", "Record 5 is of type agent-danced.v1, unknown to this chatr: use a newer one."),
        ("type = 'message-posted.v9'", "Record 5 is of type message-posted.v9, unknown to this chatr"),
        ("data = '{'", "Record 5 (message-posted.v1) is damaged"),
    ],
)
def test_a_record_that_cannot_be_read(chatr: Chatr, file: File, change: str, sentence: str) -> None:
    """What this chatr cannot make sense of is a clear stop, whoever was asked about; it is never skipped."""
    file.alter(f"update log set {change} where position = 5")

    run = chatr("log", "--log", file.url, "--agent", "Bob")

    assert (run.code, len(run.err.splitlines())) == (1, 1)
    assert run.err.startswith(f"chatr: {sentence}")
