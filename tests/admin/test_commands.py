"""Operators' commands, carried out on a node."""

import pytest

from chatr.admin.replies import Change, End, Refused
from chatr.admin.requests import (
    AnyRequest,
    ApproveAgent,
    CloseTheRoom,
    IssueAgentKey,
    OpenTheRoom,
    RegisterAgent,
    ReinstateAgent,
    RemoveMessages,
    RestoreMessages,
    RevokeAgentKeys,
    SuspendAgent,
    WithdrawVerification,
)
from chatr.codec import decode
from chatr.domain.limits import HOUR
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.moderation_events import AgentSuspended, ErasedRecord, MessageRemoved, RoomClosed
from tests.admin.conftest import Operated
from tests.cli.conftest import ADA, BOB

BY = "olga"
HEAD = 10
"""The position of the last record before a test."""


async def events_after_head(operated: Operated) -> list[object]:
    """The events that the test has stored."""
    return [decode(stored).event for stored in await operated.log.log.read(HEAD, 100)]


def requests(*, dry_run: bool) -> list[AnyRequest]:
    """A request of each kind that changes the room after COMMANDS."""
    return [
        RemoveMessages(by=BY, dry_run=dry_run, ids=(5,), reason="rude"),
        SuspendAgent(by=BY, dry_run=dry_run, agent="Bob", duration=HOUR, reason="spam"),
        ApproveAgent(by=BY, dry_run=dry_run, agent="Bob"),
        WithdrawVerification(by=BY, dry_run=dry_run, agent="Ada", reason="sold"),
        RegisterAgent(by=BY, dry_run=dry_run, agent="Cyd", avatar=None),
        IssueAgentKey(by=BY, dry_run=dry_run, agent="Ada", grace=0),
        RevokeAgentKeys(by=BY, dry_run=dry_run, agent="Bob"),
        CloseTheRoom(by=BY, dry_run=dry_run, reason="late"),
    ]


async def test_a_change_names_its_record(operated: Operated) -> None:
    """The reply to a command has the position of the record that was stored, and who decided it."""
    for number, request in enumerate(requests(dry_run=False), 1):
        change = await operated.reply(request)

        assert (change.record, change.by, change.already) == (HEAD + number, BY, False), change


async def test_a_dry_run_stores_nothing(operated: Operated) -> None:
    """A dry run replies as the command would, without a record and without a key, and leaves the log as it is."""
    changes = [await operated.reply(request) for request in requests(dry_run=True)]

    assert {(change.record, change.dry_run, change.already) for change in changes} == {(None, True, False)}
    assert all("apiKey" not in repr(change) and not isinstance(change.api_key, str) for change in changes)
    assert await operated.log.head() == HEAD


async def test_a_dry_run_is_refused_as_the_command_would_be(operated: Operated) -> None:
    """A dry run says which rule forbids the command."""
    request = RegisterAgent(by=BY, dry_run=True, agent="A_da", avatar=None)

    assert await operated.reply(request) == Refused(
        "name_taken",
        "A name belongs to the agent that registered it first; names that look alike count as the same. "
        "Ada has it: choose another name.",
    )


@pytest.mark.parametrize(
    "request_",
    [
        RemoveMessages(by=BY, ids=(5,), reason="rude"),
        SuspendAgent(by=BY, agent="Bob", duration=None, reason="spam"),
        ApproveAgent(by=BY, agent="Bob"),
        WithdrawVerification(by=BY, agent="Ada", reason="sold"),
        RevokeAgentKeys(by=BY, agent="Ada"),
        CloseTheRoom(by=BY, reason="late"),
        ReinstateAgent(by=BY, agent="Ada"),
        RestoreMessages(by=BY, ids=(5,)),
        OpenTheRoom(by=BY),
    ],
    ids=lambda request: type(request).__name__,
)
async def test_what_is_so_already_is_not_stored_again(operated: Operated, request_: AnyRequest) -> None:
    """A command that is repeated says that it was so before, and stores nothing."""
    await operated.replies(request_)
    head = await operated.log.head()
    change, end = await operated.replies(request_)

    assert isinstance(change, Change)
    assert (change.already, change.record, end) == (True, None, End())
    assert await operated.log.head() == head


async def test_an_agent_is_found_by_a_name_that_looks_like_its_own(operated: Operated) -> None:
    """The reply names the agent as it is spelled, whichever look-alike the operator has typed."""
    change = await operated.reply(SuspendAgent(by=BY, agent="b-0b", duration=None, reason="spam"))

    assert (change.agent, operated.room.agent(BOB).is_suspended(operated.clock.now())) == ("Bob", True)


@pytest.mark.parametrize("name", ["Eve", "", " ", "Ada\x1b[31m", "🦀" * 10_000, "\0"])
@pytest.mark.parametrize("make", [ReinstateAgent, ApproveAgent, RevokeAgentKeys], ids=lambda make: make.__name__)
async def test_an_unknown_agent_is_refused(operated: Operated, make: type[ReinstateAgent], name: str) -> None:
    """A name that nobody has registered is refused with the rule's sentence, whatever it is."""
    reply = await operated.reply(make(by=BY, agent=name))

    assert reply == Refused("agent_not_found", "No agent has registered this name. Check its spelling.")


async def test_a_suspension_ends_by_the_clock_of_the_node(operated: Operated) -> None:
    """The end is so much after the node's time, whatever the clock of the operator's machine shows."""
    now = operated.clock.now()
    await operated.reply(SuspendAgent(by=BY, agent="Bob", duration=HOUR, reason="spam"))

    assert await events_after_head(operated) == [AgentSuspended(BOB, now + HOUR, "spam", BY, now)]


async def test_a_message_is_removed_in_the_stream_of_its_author(operated: Operated) -> None:
    """The author of a message is found by its id."""
    replies = await operated.replies(RemoveMessages(by=BY, ids=(6, 5, 6), reason="rude"))
    now = operated.clock.now()

    assert await events_after_head(operated) == [
        MessageRemoved(BOB, 6, "rude", BY, now),
        MessageRemoved(ADA, 5, "rude", BY, now),
    ]
    assert [reply.message for reply in replies if isinstance(reply, Change)] == ["6", "5"]


@pytest.mark.parametrize("wrong", [1, 4, 8, 10, 11, 2**63 - 1])
async def test_no_message_is_removed_if_one_id_is_wrong(operated: Operated, wrong: int) -> None:
    """An id that belongs to no message refuses the whole command before anything is stored, and is named."""
    reply = await operated.reply(RemoveMessages(by=BY, ids=(5, wrong), reason="rude"))

    assert reply == Refused(
        "message_not_found", f"No messages have the ids {wrong}: nothing was changed. Check the ids."
    )
    assert await operated.log.head() == HEAD


@pytest.mark.parametrize(
    "reason",
    ["", " ", "a\nb", "a\tb", "\x1b[31mred", "\u202eabc", "a\u2028b", "x" * 201, "x" * 1_000_000, "\u200b\u200b"],
)
async def test_a_reason_that_does_not_fit_a_line_is_refused(operated: Operated, reason: str) -> None:
    """Control characters, line breaks, invisible or endless reasons are refused with the rule's sentence."""
    reply = await operated.reply(RemoveMessages(by=BY, ids=(5,), reason=reason))

    assert (reply.code, await operated.log.head()) == ("invalid_reason", HEAD)


@pytest.mark.parametrize("by", ["", "a\nb", "x" * 65])
async def test_an_operator_has_a_name_that_fits_a_line(operated: Operated, by: str) -> None:
    """The name that is stored as that of the operator is judged by its rule."""
    assert (await operated.reply(CloseTheRoom(by=by, reason="late"))).code == "invalid_operator"


async def test_a_suspension_of_no_time_is_refused(operated: Operated) -> None:
    """A suspension must end later than it begins."""
    assert (await operated.reply(SuspendAgent(by=BY, agent="Bob", duration=0, reason="spam"))).code == "invalid_time"


async def test_withdrawing_takes_approval_and_badge(operated: Operated) -> None:
    """An agent with an approval and a badge loses both, each by a record of its own."""
    await operated.replies(ApproveAgent(by=BY, agent="Ada"))
    replies = await operated.replies(WithdrawVerification(by=BY, agent="Ada", reason="sold"))

    assert [reply.type for reply in replies if isinstance(reply, Change)] == ["approval-withdrawn", "badge-withdrawn"]
    assert not operated.room.agent(ADA).verified


async def test_another_reason_takes_the_place_of_the_first(operated: Operated) -> None:
    """A closed room can be closed for another reason."""
    for reason in ("late", "still late"):
        await operated.replies(CloseTheRoom(by=BY, reason=reason))
    now = operated.clock.now()

    assert await events_after_head(operated) == [RoomClosed("late", BY, now), RoomClosed("still late", BY, now)]


async def test_an_erased_message_cannot_be_restored(operated: Operated) -> None:
    """Restoring an erased message is refused with the rule's sentence."""
    records = (ErasedRecord(5, "0" * 64),)
    await operated.admin_node.node.commands.handle(EraseRecords(ADA, records, "illegal", BY, operated.clock.now()))

    assert (await operated.reply(RestoreMessages(by=BY, ids=(5,)))).code == "message_erased"
