"""chatr explain tests commands that were never sent: registrations, verifications, replies and others."""

import pytest

from chatr.domain.commands import Heartbeat
from chatr.domain.limits import HOUR
from chatr.domain.moderation_commands import Reinstate, Suspend
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import BOB, COMMANDS, Chatr, LogFile
from tests.cli.steps import error_of
from tests.cli.test_explain import explain

CODE = ("--code", "K7M2QX9P")
ADA_AT_7 = ("--agent", "Ada", "--at", "7")


OUTCOMES: list[tuple[tuple[str, ...], str | dict[str, object]]] = [
    (("--register", "Clawd"), {"recorded": "agent-registered.v1"}),
    (("--register", "Clawd", "--avatar", "🦀"), {"recorded": "agent-registered.v1"}),
    (("--register", "Ada"), "name_taken"),
    (("--register", "ADA"), "name_taken"),
    (("--register", "Ada", "--at", "1"), {"recorded": "agent-registered.v1"}),
    (("--register", "Ada", "--at", "2026-01-01T00:00:00.5"), {"recorded": "agent-registered.v1"}),
    (("--register", "admin"), "invalid_name"),
    (("--register", "A"), "invalid_name"),
    (("--register", ""), "invalid_name"),
    (("--register", "Clawd", "--avatar", "🦞"), "invalid_avatar"),
    (("--agent", "Bob", "--verify", "bob_on_moltbook"), {"recorded": "verification-started.v1"}),
    (("--agent", "Bob", "--verify", "no such name"), "invalid_moltbook_name"),
    (("--agent", "Ada", "--verify", "other"), {"settled": 8}),
    ((*ADA_AT_7, "--verify", "ada_of_london"), {"settled": 7}),
    (("--agent", "Eve", "--verify", "eve"), "unauthorized"),
    (("--agent", "Bob", "--verify", "bob", *CODE), "verification_not_started"),
    ((*ADA_AT_7, "--verify", "ada_of_london", *CODE), {"recorded": "agent-verified.v1"}),
    ((*ADA_AT_7, "--verify", "ada_of_london", "--code", "[K7M2QX9P]"), {"recorded": "agent-verified.v1"}),
    ((*ADA_AT_7, "--verify", "ada_of_london", "--code", "AAAAAAAA"), "verification_post_not_found"),
    ((*ADA_AT_7, "--verify", "other", *CODE), "verification_name_mismatch"),
    (("--agent", "Ada", "--at", "9", "--post", "Yes.", "--reply-to", "4"), "reply_not_found"),
    (("--agent", "Ada", "--at", "9", "--post", "Yes.", "--reply-to", "6"), {"recorded": "message-posted.v1"}),
    (("--agent", "Bob", "--leave"), {"settled": 10}),
    (("--agent", "Ada", "--leave", "--at", "9"), {"recorded": "agent-left.v1"}),
    (("--agent", "Bob", "--heartbeat"), {"recorded": "agent-seen.v1"}),
    (("--agent", "Ada", "--heartbeat", "--at", "9"), {"settled": 9}),
    (("--agent", "Ada", "--rotate-key"), {"recorded": "key-issued.v1"}),
    (("--agent", "Eve", "--leave"), "unauthorized"),
]
"""Options, and the outcome: the code of the rule that rejects the command, or what is recorded or was before."""


def test_hypothetical_commands(chatr: Chatr, log_file: LogFile) -> None:
    """The outcome is that of the server, now or at an earlier moment."""
    found = [(options, explain(chatr, log_file, *options)["outcome"]) for options, _ in OUTCOMES]

    assert [(options, outcome.get("refused", outcome)) for options, outcome in found] == OUTCOMES


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--agent", "Ada"),
        ("--post", "Hello"),
        ("--verify", "ada"),
        ("--leave",),
        ("5", "--register", "Clawd"),
        ("5", "--agent", "Ada"),
        ("--agent", "Ada", "--register", "Clawd"),
        ("--register", "Clawd", "--code", "K7M2QX9P"),
        ("--agent", "Ada", "--leave", "--reply-to", "5"),
        ("--agent", "Ada", "--leave", "--heartbeat"),
        ("--agent", "Ada", "--post", "Hello", "--verify", "ada"),
        ("--agent", "Ada", "--post", "Hello", "--avatar", "🦀"),
    ],
    ids=" ".join,
)
def test_options_that_describe_no_command(chatr: Chatr, log_file: LogFile, options: tuple[str, ...]) -> None:
    """The sentence says what is missing or too much."""
    assert "ive " in error_of(chatr, "explain", "--log", log_file.url, *options)


def online(chatr: Chatr, log_file: LogFile, agent: str, at: str) -> str:
    """Return what is printed about whether an agent is online."""
    result = chatr("replay", "--log", log_file.url, "--agent", agent, "--at", at)
    assert result.code == 0
    line = next(line for line in result.lines if line.startswith("  online  "))
    return line.split(maxsplit=1)[1].rpartition(", last seen ")[0]


@pytest.mark.parametrize(
    ("agent", "at", "expected"),
    [
        ("Bob", "10", "no since 2026-01-01T00:04:00.000Z: it left"),
        ("Bob", "2026-01-01T01:00", "no since 2026-01-01T00:04:00.000Z: it left"),
        (
            "Ada",
            "2026-01-01T01:00",
            "no since 2026-01-01T00:34:00.000Z: it was silent for 31 minutes",
        ),
        ("Ada", "9", "yes"),
        (
            "Bob",
            "4",
            "no since 2026-01-01T00:00:03.000Z: it was not seen after its registration",
        ),
    ],
)
def test_why_an_agent_is_offline(chatr: Chatr, log_file: LogFile, agent: str, at: str, expected: str) -> None:
    """An agent is offline since it left, or a while after its last activity, or from the beginning."""
    assert online(chatr, log_file, agent, at) == expected


def test_a_suspended_agent_is_offline(chatr: Chatr, new_log: LogFile) -> None:
    """A suspension takes an agent offline; after it was lifted, the agent is offline until it is seen again."""
    suspend = Suspend(BOB, None, "It advertises.", "grace", START + HOUR)
    reinstate = Reinstate(BOB, "grace", START + 2 * HOUR)
    new_log.append(records_after([*COMMANDS[:6], Heartbeat(BOB, START + HOUR - 1), suspend, reinstate]))

    assert online(chatr, new_log, "Bob", "8") == "no since 2026-01-01T01:00:00.000Z: it was suspended"
    assert online(chatr, new_log, "Bob", "9") == "no since 2026-01-01T01:00:00.000Z: it was suspended"


def test_json_says_why_an_agent_is_offline(chatr: Chatr, log_file: LogFile) -> None:
    """A program gets the cause and the time; an agent that is online has neither."""
    away = explain(chatr, log_file, "--agent", "Bob", "--post", "Hi")["agent"]
    present = explain(chatr, log_file, "--agent", "Ada", "--at", "9", "--post", "Hi")["agent"]

    assert away["offline"] == {"why": "left", "since": "2026-01-01T00:04:00.000Z"}
    assert "offline" not in present


def test_an_empty_name_is_no_word(chatr: Chatr, log_file: LogFile) -> None:
    """Whoever tests what a form sends may send nothing."""
    assert chatr("explain", "--register", "", "--log", log_file.url).lines[0] == "command  -: register as"
