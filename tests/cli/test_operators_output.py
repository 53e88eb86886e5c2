"""The commands for the past say what operators decided: to whom, by whom and why."""

import asyncio
from typing import Final

import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted, MessagePosted
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyIssued, KeyRevoked
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limits
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    MessageRemoved,
    MessageRestored,
    RoomClosed,
    RoomOpened,
)
from chatr.testing.clock import START
from chatr.testing.records import records_of
from tests.cli.conftest import Chatr, LogFile
from tests.erasures import erasure_of
from tests.past.audit_findings import log_of

ADA: Final = agent_id("Ada")
WHY: Final = "It advertises."
EVENTS: Final[list[Event]] = [
    LimitsAdopted(Limits(), START),
    AgentRegistered(ADA, "Ada", "🦀", hash_key("ada"), START, by="grace"),
    MessagePosted(ADA, "Buy this!", None, START),
    MessagePosted(ADA, "Buy that!", None, START + 5 * MINUTE),
    AgentSuspended(ADA, START + HOUR, WHY, "grace", START + 6 * MINUTE),
    AgentReinstated(ADA, "grace", START + 7 * MINUTE),
    AgentApproved(ADA, "grace", START + 7 * MINUTE),
    ApprovalWithdrawn(ADA, WHY, "grace", START + 7 * MINUTE),
    BadgeWithdrawn(ADA, WHY, "grace", START + 7 * MINUTE),
    MessageRemoved(ADA, 3, WHY, "grace", START + 7 * MINUTE),
    MessageRestored(ADA, 3, "grace", START + 7 * MINUTE),
    KeyIssued(ADA, hash_key("second"), HOUR, "grace", START + 7 * MINUTE),
    KeyIssued(ADA, hash_key("third"), 0, None, START + 7 * MINUTE),
    KeyActivated(ADA, hash_key("third"), START + 7 * MINUTE),
    KeyRevoked(ADA, hash_key("third"), "grace", START + 7 * MINUTE),
    AgentRecovered(ADA, hash_key("fourth"), "post-1", START + 7 * MINUTE),
    RoomClosed("A wave of advertisements.", "grace", START + 7 * MINUTE),
    RoomOpened("grace", START + 7 * MINUTE),
    AgentSuspended(ADA, None, WHY, "grace", START + 8 * MINUTE),
]
ERASED: Final = 20
"""The position of the record that erases the first message."""
CONTENTS: Final = {
    2: "🦀 by grace",
    3: "[erased]",
    4: "Buy that!",
    5: "until 2026-01-01T01:00:00.000Z, by grace: It advertises.",
    6: "by grace",
    7: "by grace",
    8: "by grace: It advertises.",
    9: "by grace: It advertises.",
    10: "message 3, by grace: It advertises.",
    11: "message 3, by grace",
    12: "by grace, pending; from its first use on the others stay open for 1 hour",
    13: "pending; from its first use on the others are void",
    14: "",
    15: "by grace",
    16: "by post post-1, all other keys are void",
    17: "by grace: A wave of advertisements.",
    18: "by grace",
    19: "for ever, by grace: It advertises.",
    20: "message 3, by grace: It is illegal.",
}


@pytest.fixture
def log(new_log: LogFile) -> LogFile:
    """A log of everything that operators do, with an erased message."""
    new_log.append(records_of([*EVENTS, erasure_of(log_of(*EVENTS)[2])]))

    async def erase() -> None:
        async with sqlite_log(new_log.path) as opened:
            await opened.erase([3])

    asyncio.run(erase())
    return new_log


def test_each_decision_is_a_line(chatr: Chatr, log: LogFile) -> None:
    """A line has the subject, the operator and the reason; an erased text has a mark in its place."""
    lines = chatr("log", "--log", log.url, "--after", "1").lines

    assert {int(line[:7]): line[75:] for line in lines} == CONTENTS
    assert {line[35:51].strip() for line in lines} == {"Ada", "-"}


def test_erased_records_as_json(chatr: Chatr, log: LogFile) -> None:
    """With --json an erased record has the field `erased` and no data; other records are as before."""
    _, _, third, fourth, *_ = chatr("log", "--log", log.url, "--json").json

    assert (third["erased"], third["data"]) == (True, {})
    assert "erased" not in fourth


@pytest.mark.parametrize(
    ("position", "sentence"),
    [
        (2, "grace: register as Ada"),
        (3, "Ada: post [erased]"),
        (5, "grace: suspend Ada until 2026-01-01T01:00:00.000Z: It advertises."),
        (6, "grace: reinstate Ada"),
        (7, "grace: approve Ada"),
        (8, "grace: withdraw the approval of Ada: It advertises."),
        (9, "grace: withdraw the badge of Ada: It advertises."),
        (10, "grace: remove message 3 of Ada: It advertises."),
        (11, "grace: restore message 3 of Ada"),
        (12, "grace: issue a new key for Ada"),
        (13, "Ada: issue a new key"),
        (14, "Ada: use the new key"),
        (15, "grace: revoke a key of Ada"),
        (16, "Ada: recover with a new key"),
        (17, "grace: close the room: A wave of advertisements."),
        (18, "grace: open the room"),
        (19, "grace: suspend Ada for ever: It advertises."),
        (20, "grace: erase message 3 of Ada: It is illegal."),
    ],
)
def test_every_decision_can_be_explained(chatr: Chatr, log: LogFile, position: int, sentence: str) -> None:
    """An explanation says who asked for what, and about whom."""
    result = chatr("explain", "--log", log.url, position)

    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == f"command  {sentence}"


def test_the_rules_about_an_erased_text_are_not_judged(chatr: Chatr, log: LogFile) -> None:
    """The explanation of an erased message shows the rate and not what the text was."""
    text = chatr("explain", "--log", log.url, 3).out
    (explained,) = chatr("explain", "--log", log.url, 3, "--json").json

    assert "invalid_content" not in text
    assert "holds  message_rate_limited" in text
    assert text.endswith("Recorded as message-posted.v1 at position 3. Its text was erased since.\n")
    assert (explained["erased"], explained["outcome"]) == (True, {"recorded": "message-posted.v1"})


def test_a_suspended_agent_is_shown_as_suspended(chatr: Chatr, log: LogFile) -> None:
    """The state of an agent says until when it is suspended, by whom and why; one that is not has no such line."""
    suspended = chatr("replay", "--log", log.url, "--at", 5, "--agent", "Ada").lines
    reinstated = chatr("replay", "--log", log.url, "--at", 6, "--agent", "Ada").out

    assert "  suspended  until 2026-01-01T01:00:00.000Z, by grace: It advertises." in suspended
    assert "  suspended" not in reinstated


@pytest.mark.parametrize(
    ("moments", "rows"),
    [
        ((4, 5), {"suspended": "Ada"}),
        ((5, 7), {"reinstated": "Ada", "approved": "Ada"}),
        ((9, 10), {"removed": "message 3"}),
        ((10, 11), {"restored": "message 3"}),
        ((16, 17), {"room": "closed: A wave of advertisements."}),
        ((17, 18), {"room": "open again"}),
        ((18, 20), {"suspended": "Ada", "erased": "message 3"}),
        ((13, 14), {}),
    ],
)
def test_what_operators_did_between_two_moments(
    chatr: Chatr, log: LogFile, moments: tuple[int, int], rows: dict[str, str]
) -> None:
    """A difference has a line for each kind of decision, if there is one."""
    lines = chatr("replay", "--log", log.url, "--diff", *moments).lines
    found = dict(line.split(maxsplit=1) for line in lines)

    kinds = {"suspended", "reinstated", "approved", "removed", "restored", "erased", "room"}
    assert {kind: text for kind, text in found.items() if kind in kinds} == rows


def test_the_difference_as_json(chatr: Chatr, log: LogFile) -> None:
    """With --json what operators did stands in fields that are there only if they did something."""
    (nothing,) = chatr("replay", "--log", log.url, "--diff", 2, 4, "--json").json
    (all_of_it,) = chatr("replay", "--log", log.url, "--diff", 4, 20, "--json").json
    (closed,) = chatr("replay", "--log", log.url, "--diff", 16, 17, "--json").json

    assert not nothing.keys() & {"suspended", "reinstated", "approved", "removed", "restored", "erased", "closing"}
    assert (all_of_it["suspended"], all_of_it["erased"]) == (["Ada"], [3])
    assert closed["closing"] == [None, "A wave of advertisements."]


def test_many_erased_messages_are_counted(chatr: Chatr, new_log: LogFile) -> None:
    """More messages than fit a line are given by their number."""
    posts = [MessagePosted(ADA, f"Text {number}", None, START + number * SECOND) for number in range(11)]
    events = [*EVENTS[:2], *posts]
    new_log.append(records_of([*events, erasure_of(*log_of(*events)[2:])]))

    assert (
        chatr("log", "--log", new_log.url, "--after", 13)
        .lines[0]
        .endswith("11 messages from 3 to 13, by grace: It is illegal.")
    )
