"""An audit finds records that the rules then in force would not have allowed."""

from typing import Final

import pytest
from attrs import evolve

from chatr.domain.events import AgentLeft, AgentSeen, Event, LimitsAdopted, MessagePosted
from chatr.domain.identity import AgentId
from chatr.domain.limits import FEWEST_IDEMPOTENCY_KEYS, HOUR, MINUTE, SECOND, Limit, Limits
from chatr.past.audit import Finding
from chatr.testing.clock import START
from tests.domain.examples import (
    CRAB,
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_REGISTERED,
    LOBSTER_VERIFIED,
    SHRIMP_REGISTERED,
)
from tests.past.audit_findings import ADOPTED, errors_in, findings_in, log_of

BROKEN: Final = "The rules reject it: "
TOO_SOON: Final = (
    f"{BROKEN}The rate limit is 10 per minute for verified agents and 1 per 5 minutes for unverified ones."
)
LOBSTER_SPOKE: Final = MessagePosted(LOBSTER, "Hello!", None, START)


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([CRAB_REGISTERED, CRAB_POSTED, MessagePosted(CRAB, "Again", None, START + MINUTE)], TOO_SOON),
        ([CRAB_REGISTERED, LOBSTER_SPOKE], f"{BROKEN}The agent must be registered."),
        ([CRAB_REGISTERED, AgentSeen(LOBSTER, START)], f"{BROKEN}The agent must be registered."),
        (
            [CRAB_REGISTERED, evolve(CRAB_REGISTERED, name="crab")],
            f"{BROKEN}A name belongs to the agent that registered it first",
        ),
        ([CRAB_REGISTERED, CRAB_SEEN, AgentSeen(CRAB, START + 59 * SECOND)], "Record 2 already answers this command"),
        ([CRAB_REGISTERED, CRAB_LEFT], "Record 1 already answers this command"),
        ([ADOPTED, evolve(ADOPTED, at=START + 1)], "Record 1 already answers this command"),
        ([CRAB_REGISTERED, CRAB_VERIFIED], f"{BROKEN}Start a verification before you complete it."),
        (
            [CRAB_REGISTERED, CRAB_STARTED, evolve(CRAB_STARTED, code="ABCDEFGH")],
            "Record 2 already answers this command",
        ),
        (
            [CRAB_REGISTERED, CRAB_STARTED, evolve(CRAB_VERIFIED, at=START + 48 * HOUR)],
            f"{BROKEN}A verification code is valid for 48 hours.",
        ),
        (
            [CRAB_REGISTERED, CRAB_STARTED, evolve(CRAB_VERIFIED, moltbook_name="ClawdLobster")],
            f"{BROKEN}A verification must be completed with the Moltbook name that it was started with.",
        ),
        ([CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED, CRAB_STARTED], "Record 3 already answers this command"),
        (
            [CRAB_REGISTERED, MessagePosted(CRAB, " Hello! ", None, START)],
            "Decided again, its content would be different.",
        ),
        (
            [CRAB_REGISTERED, evolve(LOBSTER_REGISTERED, agent=AgentId("x"))],
            "Decided again, its agent would be different.",
        ),
    ],
)
def test_a_record_that_the_rules_forbid_is_found(events: list[Event], sentence: str) -> None:
    """A record is decided again, with the agent as it was and the limits then in force."""
    position, found = errors_in(log_of(*events))[0]

    assert (position, found[: len(sentence)]) == (len(events), sentence)


def test_a_second_badge_for_one_account_is_found() -> None:
    """A badge for a Moltbook account that already vouches for another agent breaks a rule."""
    started = evolve(CRAB_STARTED, agent=LOBSTER)
    records = log_of(CRAB_REGISTERED, LOBSTER_REGISTERED, CRAB_STARTED, started, CRAB_VERIFIED, LOBSTER_VERIFIED)

    assert (6, f"{BROKEN}A Moltbook account can verify only one agent.") in errors_in(records)


def test_a_second_record_for_an_idempotency_key_is_found() -> None:
    """A post that repeats an Idempotency-Key must not leave a second record."""
    again = evolve(CRAB_POSTED, at=START + 5 * MINUTE)

    assert errors_in(log_of(CRAB_REGISTERED, CRAB_POSTED, again)) == [
        (3, "Record 2 already answers this command: nothing should have been recorded.")
    ]


def test_a_key_that_an_older_version_had_forgotten_may_be_used_again() -> None:
    """Older versions remembered 100 keys at any rate: in their logs a newer post may have the key of an older one."""
    limits = LimitsAdopted(Limits(unverified=Limit(1000, MINUTE)), START)
    newer = [MessagePosted(CRAB, "Hello!", f"key {number}", START) for number in range(FEWEST_IDEMPOTENCY_KEYS)]
    other = evolve(CRAB_POSTED, content="Another")

    assert errors_in(log_of(limits, CRAB_REGISTERED, CRAB_POSTED, *newer, CRAB_POSTED)) == []
    assert errors_in(log_of(limits, CRAB_REGISTERED, CRAB_POSTED, *newer, other)) == []
    assert errors_in(log_of(limits, CRAB_REGISTERED, CRAB_POSTED, *newer[1:], other)) != []


def test_text_that_only_todays_rules_forbid_is_a_note() -> None:
    """Text checks become stricter from version to version, so what they forbid now is no error in an older record."""
    posted = MessagePosted(CRAB, "See https://example.com", None, START)
    (finding,) = findings_in(log_of(CRAB_REGISTERED, posted))

    assert finding == Finding(2, "Today's rules would reject it: Unverified agents cannot post URLs.", note=True)


def test_a_note_hides_no_error() -> None:
    """A record whose text today's rules forbid is still decided again, and every difference is reported."""
    posted = MessagePosted(CRAB, " See https://example.com", None, START)

    assert [finding.note for finding in findings_in(log_of(CRAB_REGISTERED, posted))] == [True, False]


def test_a_missing_registration_is_reported_once() -> None:
    """Only the first record of an agent without a registration is an error; the rest of the log is judged as usual."""
    records = log_of(
        SHRIMP_REGISTERED,
        CRAB_REGISTERED,
        LOBSTER_REGISTERED,
        CRAB_POSTED,
        LOBSTER_SPOKE,
        CRAB_LEFT,
        AgentLeft(LOBSTER, START),
    )
    cut = [records[0], *records[3:]]
    later = [(position, sentence) for position, sentence in errors_in(cut) if position > 5]

    assert (4, f"{BROKEN}The agent must be registered.") in errors_in(cut)
    assert later == []
