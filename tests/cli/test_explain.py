"""chatr explain shows why something was recorded, or why a post would be rejected."""

from typing import Any

import pytest

from chatr.domain import policy
from chatr.domain.limits import Limits
from tests.cli.conftest import COMMANDS, Chatr, LogFile


def explain(chatr: Chatr, log_file: LogFile, *options: object) -> Any:
    """Run explain and return the JSON object that it prints."""
    result = chatr("explain", "--log", log_file.url, "--json", *options)
    assert (result.code, result.err) == (0, "")
    (explanation,) = result.json
    return explanation


def explain_post(chatr: Chatr, log_file: LogFile, agent: str, at: object, post: str, *options: object) -> Any:
    """Run explain for a post that was not made."""
    return explain(chatr, log_file, "--agent", agent, "--at", at, "--post", post, *options)


@pytest.mark.parametrize("position", range(1, len(COMMANDS) + 1))
def test_every_rule_holds_for_a_record(chatr: Chatr, log_file: LogFile, position: int) -> None:
    """A record is decided again with the room as its decider had folded it, and every rule holds."""
    explanation = explain(chatr, log_file, position)

    assert (explanation["position"], explanation["seen"]) == (position, position - 1)
    assert all(rule["holds"] for rule in explanation["rules"])
    assert "recorded" in explanation["outcome"]


def test_the_state_is_that_before_the_record(chatr: Chatr, log_file: LogFile) -> None:
    """The agent and the limits are shown as they were before the record."""
    explanation = explain(chatr, log_file, 9)
    agent = explanation["agent"]

    assert (explanation["asked"], explanation["time"]) == (
        'post "See https://example.com"',
        "2026-01-01T00:03:00.000Z",
    )
    assert (agent["moltbookName"], agent["posted"]) == ("ada_of_london", ["2026-01-01T00:00:10.000Z"])
    assert explanation["limits"]["verified"] == {"limit": 10, "window": 60}


def test_rules_are_listed_in_the_order_in_which_they_are_checked(chatr: Chatr, log_file: LogFile) -> None:
    """Every rule is listed with its code and its sentence, in the order that decides which error an agent gets."""
    explanation = explain(chatr, log_file, 6)

    assert [(rule["code"], rule["rule"]) for rule in explanation["rules"]] == [
        (rule.code, rule.text(Limits())) for rule in policy.POSTING
    ]


@pytest.mark.parametrize(
    ("post", "code", "sentence"),
    [
        (("Bob", "2026-01-01T00:05:59.999", "Again"), "message_rate_limited", "Try again in 1 s."),
        (("Bob", "6", "Again"), "message_rate_limited", "Try again in 300 s."),
        (("Ada", "7", "See https://example.com"), "urls_not_allowed", "Verify on Moltbook first!"),
        (("Eve", "9", "Hello"), "unauthorized", "The agent must be registered."),
        (("Ada", "9", " \n"), "invalid_content", "Message must be 1-250 characters"),
    ],
)
def test_a_rejected_post_gets_the_error_of_the_server(
    chatr: Chatr, log_file: LogFile, post: tuple[str, str, str], code: str, sentence: str
) -> None:
    """Code and sentence are those that the server would have sent."""
    outcome = explain_post(chatr, log_file, *post)["outcome"]

    assert outcome["refused"] == code
    assert sentence in outcome["error"]


def test_the_first_broken_rule_is_the_outcome(chatr: Chatr, log_file: LogFile) -> None:
    """Every rule gets a verdict, and the error is that of the first broken one."""
    explanation = explain_post(chatr, log_file, "Bob", 6, "See https://example.com")

    assert [rule["code"] for rule in explanation["rules"] if not rule["holds"]] == [
        "urls_not_allowed",
        "message_rate_limited",
    ]
    assert explanation["outcome"]["refused"] == "urls_not_allowed"


def test_a_post_that_breaks_no_rule_would_be_recorded(chatr: Chatr, log_file: LogFile) -> None:
    """The outcome is the type of the record, which has no position."""
    explanation = explain_post(chatr, log_file, "Bob", "2026-01-01T00:06", "Again")

    assert (explanation["position"], explanation["outcome"]) == (None, {"recorded": "message-posted.v1"})


def test_a_repeated_idempotency_key_names_the_first_record(chatr: Chatr, log_file: LogFile) -> None:
    """A post whose Idempotency-Key has a record already is answered by that record, and no rule is checked."""
    explanation = explain_post(chatr, log_file, "Ada", 9, "Hello, Bob!", "--idempotency-key", "first")

    assert (explanation["outcome"], explanation["rules"]) == ({"settled": 5}, [])


def test_the_default_moment_is_now(chatr: Chatr, log_file: LogFile) -> None:
    """Without --at the post is decided at the end of the log, at the present time."""
    explanation = explain(chatr, log_file, "--agent", "Bob", "--post", "Long time no see")

    assert (explanation["seen"], explanation["outcome"]) == (10, {"recorded": "message-posted.v1"})


def test_a_record_that_breaks_a_rule(chatr: Chatr, log_file: LogFile) -> None:
    """If a record is in the log although a rule rejects it, the last line says so."""
    log_file.alter("update log set data = replace(data, 'Hi!', '') where position = 6")

    result = chatr("explain", "--log", log_file.url, 6)

    assert result.lines[-2:] == [
        "  Rejected (invalid_content): Message must be 1-250 characters",
        "  But record 6 is in the log and differs from that. Check this log with chatr audit.",
    ]


@pytest.mark.parametrize("seen", [-1, 9, 99])
def test_a_record_whose_decider_saw_an_impossible_position(chatr: Chatr, log_file: LogFile, seen: int) -> None:
    """A damaged record is explained with the nearest position that its decider can have folded."""
    log_file.alter("update log set seen = ? where position = 9", seen)

    assert explain(chatr, log_file, 9)["seen"] == min(max(seen, 0), 8)


def test_the_explanation_as_tables(chatr: Chatr, log_file: LogFile) -> None:
    """Without --json the command, the state before it, the verdicts and the outcome are tables."""
    result = chatr("explain", "--log", log_file.url, "--agent", "Bob", "--at", 6, "--post", "Again")
    rules = [line.split(maxsplit=2) for line in result.lines if line.startswith(("  holds", "  BROKEN"))]

    assert result.lines[:9] == [
        'command  Bob: post "Again"',
        "time     2026-01-01T00:01:00.000Z",
        "",
        "before, at position 6",
        "  online    yes, last seen 2026-01-01T00:01:00.000Z",
        "  verified  no",
        "  posted    2026-01-01T00:01:00.000Z",
        "  may post  1 per 5 minutes: 0 left, next at 2026-01-01T00:06:00.000Z",
        f"  limits    {Limits()}",
    ]
    assert [verdict for verdict, _, _ in rules] == ["holds"] * (len(policy.POSTING) - 1) + ["BROKEN"]
    assert result.lines[-2] == "outcome"
    assert result.lines[-1].startswith("  Rejected (message_rate_limited): The rate limit is ")
    assert result.lines[-1].endswith(" Try again in 300 s.")
