"""chatr log prints records as they are stored."""

import pytest
from attrs import evolve

from chatr.domain.events import AgentRegistered, MessagePosted
from chatr.domain.keys import hash_key
from chatr.domain.limits import Limits
from chatr.testing.clock import START
from chatr.testing.records import records_after, records_of
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile

STARTED = "as ada_of_london, [K7M2QX9P] until 2026-01-03T00:01:00.000Z"


def positions(chatr: Chatr, log_file: LogFile, *options: object) -> list[int]:
    """Return the positions of the records that are printed with these options."""
    result = chatr("log", "--log", log_file.url, "--json", *options)
    assert (result.code, result.err) == (0, "")
    return [record["position"] for record in result.json]


def test_each_record_is_one_line(chatr: Chatr, log_file: LogFile) -> None:
    """A line has position, time, agent, type and content; the oldest record comes first."""
    result = chatr("log", "--log", log_file.url)

    assert result.code == 0
    assert [line.split(maxsplit=4) for line in result.lines] == [
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


def test_json_holds_every_stored_field(chatr: Chatr, log_file: LogFile) -> None:
    """A line of JSON holds every stored field, the data as an object, and the agent's name."""
    record = records_after(COMMANDS)[5]
    posted = record.event
    assert isinstance(posted, MessagePosted)

    (printed,) = chatr("log", "--log", log_file.url, "--json", "--after", 5, "--before", 7).json

    assert printed == {
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
        "check": record.record_hash.hex(),
    }


@pytest.mark.parametrize("name", ["Ada", "ada", "ADA"])
def test_agent_selects_the_records_about_one_agent(chatr: Chatr, log_file: LogFile, name: str) -> None:
    """--agent ignores case and includes the badge, which stands in the stream of the Moltbook account."""
    assert positions(chatr, log_file, "--agent", name) == [2, 3, 5, 7, 8, 9]


@pytest.mark.parametrize("type_", ["message-posted", "message-posted.v1"])
def test_type_selects_one_type(chatr: Chatr, log_file: LogFile, type_: str) -> None:
    """--type takes a type with or without its version."""
    assert positions(chatr, log_file, "--type", type_) == [5, 6, 9]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--after", "8"), [9, 10]),
        (("--before", "3"), [1, 2]),
        (("--after", "3", "--before", "6"), [4, 5]),
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
def test_after_before_and_last_select_a_part(
    chatr: Chatr, log_file: LogFile, options: tuple[str, ...], expected: list[int]
) -> None:
    """--after and --before exclude the moment itself; --last counts what the other options select."""
    assert positions(chatr, log_file, *options) == expected


def test_a_time_is_compared_with_each_record(chatr: Chatr, new_log: LogFile) -> None:
    """After a clock stepped back, --before still finds the record with the earlier time."""
    registered = AgentRegistered(ADA, "Ada", None, hash_key("ada"), START + 60_000)
    late, early = MessagePosted(ADA, "late", None, START + 90_000), MessagePosted(ADA, "early", None, START)
    new_log.append(records_of([registered, late, early, evolve(late, content="late again")]))

    assert positions(chatr, new_log, "--before", "2026-01-01T00:01") == [3]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_digest_of_a_key_is_left_out(chatr: Chatr, log_file: LogFile, form: tuple[str, ...]) -> None:
    """Without --keys no digest of a key is printed."""
    assert hash_key("ada") not in chatr("log", "--log", log_file.url, *form).out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_keys_prints_the_digest_of_a_key(chatr: Chatr, log_file: LogFile, form: tuple[str, ...]) -> None:
    """With --keys the digests are printed."""
    assert hash_key("ada") in chatr("log", "--log", log_file.url, "--keys", *form).out


def test_no_message_controls_the_terminal(chatr: Chatr, new_log: LogFile) -> None:
    """Control characters, line ends and bidirectional controls are printed as escapes; joiners are not."""
    text = "a\x1b[2Jb\u202ec\u2066d\ne\u2028f\u200bg \u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f4bb"
    registered = AgentRegistered(ADA, "Ada", None, hash_key("ada"), START)
    new_log.append(records_of([registered, MessagePosted(ADA, text, None, START)]))

    result = chatr("log", "--log", new_log.url, "--type", "message-posted")

    assert result.out.rstrip("\n").endswith(
        r"a\x1b[2Jb\u202ec\u2066d\ne\u2028f\u200bg " + "\u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f4bb"
    )


def test_a_time_beyond_the_calendar(chatr: Chatr, log_file: LogFile) -> None:
    """A damaged time that no calendar has is printed as the number that is stored."""
    log_file.alter("update log set at = ? where position = 5", 10**18)

    assert str(10**18) in chatr("log", "--log", log_file.url).lines[4]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("type = 'agent-danced.v1'", "Record 5 is of type agent-danced.v1, unknown to this chatr: use a newer one."),
        ("type = 'message-posted.v9'", "Record 5 is of type message-posted.v9, unknown to this chatr"),
        ("data = '{'", "Record 5 (message-posted.v1) is damaged"),
    ],
)
def test_a_record_that_cannot_be_decoded(chatr: Chatr, log_file: LogFile, change: str, sentence: str) -> None:
    """The command ends with one sentence, even if the record is about another agent; no record is skipped."""
    log_file.alter(f"update log set {change} where position = 5")

    result = chatr("log", "--log", log_file.url, "--agent", "Bob")

    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert result.err.startswith(f"chatr: {sentence}")
