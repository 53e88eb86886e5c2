"""chatr explain: why something was recorded, or would have been refused."""

from typing import Any

import pytest

from chatr.domain import policy
from chatr.domain.limits import Limits
from tests.cli.conftest import PAST, Chatr, File


def explained(chatr: Chatr, file: File, *options: object) -> Any:
    run = chatr("explain", "--log", file.url, "--json", *options)
    assert (run.code, run.err) == (0, "")
    (case,) = run.json
    return case


def supposed(chatr: Chatr, file: File, agent: str, at: object, post: str, *options: object) -> Any:
    return explained(chatr, file, "--agent", agent, "--at", at, "--post", post, *options)


@pytest.mark.parametrize("position", range(1, len(PAST) + 1))
def test_every_record_has_its_reason(chatr: Chatr, file: File, position: int) -> None:
    """Every rule held for what is recorded, asked again with the room as its decider had seen it."""
    case = explained(chatr, file, position)

    assert (case["position"], case["seen"]) == (position, position - 1)
    assert all(rule["holds"] for rule in case["rules"])
    assert "recorded" in case["outcome"]


def test_the_state_before(chatr: Chatr, file: File) -> None:
    """How the agent stood and which limits were in force is told as it was before the record."""
    case = explained(chatr, file, 9)

    assert (case["asked"], case["time"]) == ('post "See https://example.com"', "2026-01-01T00:03:00.000Z")
    assert (case["agent"]["moltbookName"], case["agent"]["posted"]) == ("ada_of_london", ["2026-01-01T00:00:10.000Z"])
    assert case["limits"]["verified"] == {"limit": 10, "window": 60}


def test_rules_stand_in_their_order(chatr: Chatr, file: File) -> None:
    """Every rule that was asked is there with its code and sentence, in the order in which agents hear of mistakes."""
    case = explained(chatr, file, 6)

    assert [(rule["code"], rule["rule"]) for rule in case["rules"]] == [
        (rule.code, rule.told(Limits())) for rule in policy.POSTING
    ]


@pytest.mark.parametrize(
    ("post", "code", "sentence"),
    [
        (("Bob", "2026-01-01T00:05:59.999", "Again"), "message_rate_limited", "Try again in 1 s."),
        (("Bob", "6", "Again"), "message_rate_limited", "Try again in 300 s."),
        (("Ada", "7", "See https://example.com"), "urls_not_allowed", "Verify on Moltbook first!"),
        (("Eve", "9", "Hello"), "unauthorized", "Only registered agents speak."),
        (("Ada", "9", " \n"), "invalid_content", "Message must be 1-250 characters"),
    ],
)
def test_a_post_that_would_have_been_refused(
    chatr: Chatr, file: File, post: tuple[str, str, str], code: str, sentence: str
) -> None:
    """The outcome is the very sentence that the agent would have been told."""
    outcome = supposed(chatr, file, *post)["outcome"]

    assert outcome["refused"] == code
    assert sentence in outcome["error"]


def test_the_first_rule_that_is_broken_is_the_one_that_is_told(chatr: Chatr, file: File) -> None:
    """All verdicts are shown, and the first refusal counts."""
    case = supposed(chatr, file, "Bob", 6, "See https://example.com")

    assert [rule["code"] for rule in case["rules"] if not rule["holds"]] == ["urls_not_allowed", "message_rate_limited"]
    assert case["outcome"]["refused"] == "urls_not_allowed"


def test_a_post_that_would_have_been_said(chatr: Chatr, file: File) -> None:
    """What no rule forbids would have been recorded."""
    case = supposed(chatr, file, "Bob", "2026-01-01T00:06", "Again")

    assert (case["position"], case["outcome"]) == (None, {"recorded": "message-posted.v1"})


def test_a_post_that_was_answered_before(chatr: Chatr, file: File) -> None:
    """A repeated Idempotency-Key is answered by the record that it stands for, and no rule is asked."""
    case = supposed(chatr, file, "Ada", 9, "Hello, Bob!", "--idempotency-key", "first")

    assert (case["outcome"], case["rules"]) == ({"settled": 5}, [])


def test_now_is_the_default(chatr: Chatr, file: File) -> None:
    """Without a moment the question is whether it would be refused now."""
    case = explained(chatr, file, "--agent", "Bob", "--post", "Long time no see")

    assert (case["seen"], case["outcome"]) == (10, {"recorded": "message-posted.v1"})


def test_a_record_that_should_not_be_there(chatr: Chatr, file: File) -> None:
    """Where the rules would not have had a record, that is said."""
    file.alter("update log set data = replace(data, 'Hi!', '') where position = 6")

    run = chatr("explain", "--log", file.url, 6)

    assert run.lines[-2:] == [
        "  It is refused (invalid_content): Message must be 1-250 characters",
        "  Yet record 6 says otherwise. Ask chatr audit about this log.",
    ]


@pytest.mark.parametrize("seen", [-1, 9, 99])
def test_a_decider_that_saw_the_impossible(chatr: Chatr, file: File, seen: int) -> None:
    """A spoiled record is explained by what can have been seen before it at most."""
    file.alter("update log set seen = ? where position = 9", seen)

    assert explained(chatr, file, 9)["seen"] == min(max(seen, 0), 8)


def test_people_are_shown_a_page(chatr: Chatr, file: File) -> None:
    """What was asked, how things stood, what each rule said, and what came of it."""
    run = chatr("explain", "--log", file.url, "--agent", "Bob", "--at", 6, "--post", "Again")
    rules = [line.split(maxsplit=2) for line in run.lines if line.startswith(("  holds", "  REFUSES"))]

    assert run.lines[:9] == [
        'asked  Bob: post "Again"',
        "time   2026-01-01T00:01:00.000Z",
        "",
        "before, at position 6",
        "  online    yes, last seen 2026-01-01T00:01:00.000Z",
        "  verified  no",
        "  posted    2026-01-01T00:01:00.000Z",
        "  may post  1 per 5 minutes: 0 left, next at 2026-01-01T00:06:00.000Z",
        f"  limits    {Limits()}",
    ]
    assert [verdict for verdict, _, _ in rules] == ["holds"] * (len(policy.POSTING) - 1) + ["REFUSES"]
    assert run.lines[-2] == "outcome"
    assert run.lines[-1].startswith("  It is refused (message_rate_limited): The rate limit is ")
    assert run.lines[-1].endswith(" Try again in 300 s.")
