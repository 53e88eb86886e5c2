"""Operators' commands about all messages of an agent within a time."""

from collections.abc import AsyncIterator

import pytest

from chatr.admin.commands.messages_of_agent import STEP
from chatr.admin.execute import replies
from chatr.admin.replies import Counts, Failed, Progress
from chatr.admin.requests import Instant, RemoveMessages, RemoveMessagesOf, RestoreMessagesOf
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.moderation_events import ErasedRecord
from chatr.ports import LogUnavailable
from chatr.testing.clock import START
from tests.admin.conftest import SPAMMER, Operated, spammed_node
from tests.cli.conftest import ADA

BY = "olga"
MESSAGES = 40
EVER = Instant(0)


def removal(*, since: Instant = EVER, until: Instant | None = None, dry_run: bool = False) -> RemoveMessagesOf:
    """The request to remove the spammer's messages of a time."""
    return RemoveMessagesOf(by=BY, dry_run=dry_run, agent="Spammer", since=since, until=until, reason="spam")


RESTORING = RestoreMessagesOf(by=BY, agent="Spammer", since=Instant(0), until=None)


def counts(found: int, changed: int, already: int = 0, *, erased: int = 0, dry_run: bool = False) -> Counts:
    """The result of a removal."""
    return Counts(
        type="message-removed",
        agent="Spammer",
        dry_run=dry_run,
        found=found,
        changed=changed,
        already=already,
        erased=erased,
    )


@pytest.fixture
async def spammed() -> AsyncIterator[Operated]:
    """A node with forty messages of a spammer."""
    async for each in spammed_node(MESSAGES):
        yield each


@pytest.fixture
async def flooded() -> AsyncIterator[Operated]:
    """A node with a few more messages of a spammer than one step has."""
    async for each in spammed_node(STEP + 50):
        yield each


async def test_all_messages_of_an_agent_are_removed(spammed: Operated) -> None:
    """Those of the agent are hidden, and those of others are not."""
    reply = await spammed.reply(removal())

    assert reply == counts(MESSAGES, MESSAGES)
    assert [message.agent for message in spammed.room.history.last(100)] == [ADA]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (Instant(HOUR, is_ago=True), None, 13),
        (Instant(0, is_ago=True), None, 1),
        (Instant(2**53, is_ago=True), None, 40),
        (Instant(START + MINUTE), Instant(START + MINUTE + SECOND), 1),
        (Instant(START + MINUTE), Instant(START + 6 * MINUTE), 1),
        (Instant(START + 6 * MINUTE), Instant(HOUR, is_ago=True), 26),
        (Instant(START + 24 * HOUR), None, 0),
    ],
)
async def test_only_messages_of_the_time_are_removed(
    spammed: Operated, since: Instant, until: Instant | None, found: int
) -> None:
    """The first instant is part of the time, and the last is not; both may be given by the clock or as a duration."""
    assert await spammed.reply(removal(since=since, until=until)) == counts(found, found)


async def test_a_time_that_ends_before_it_begins_is_refused(spammed: Operated) -> None:
    """A slip in the times is an error, not an empty result."""
    reply = await spammed.reply(removal(since=Instant(MINUTE, is_ago=True), until=Instant(HOUR, is_ago=True)))

    assert reply.code == "invalid_time"


async def test_what_is_removed_already_is_skipped(spammed: Operated) -> None:
    """A repeated removal stores nothing for the messages that are hidden."""
    await spammed.replies(removal(until=Instant(HOUR, is_ago=True)))
    reply = await spammed.reply(removal())

    assert reply == counts(MESSAGES, 13, already=27)


async def test_a_dry_run_counts_and_removes_nothing(spammed: Operated) -> None:
    """A dry run says how many messages would be hidden, and its progress that nothing was stored."""
    head = await spammed.log.head()
    *progress, reply, _ = await spammed.replies(removal(dry_run=True))

    assert (reply, await spammed.log.head()) == (counts(MESSAGES, MESSAGES, dry_run=True), head)
    assert {each.changed for each in progress if isinstance(each, Progress)} == {0}


async def test_a_removal_can_be_undone(spammed: Operated) -> None:
    """Messages are shown again, except those that were erased meanwhile, and those that were never hidden stay."""
    await spammed.replies(removal(since=Instant(HOUR, is_ago=True)))
    last = spammed.room.history.positions[-1]
    erasure = EraseRecords(SPAMMER, (ErasedRecord(last, "0" * 64),), "illegal", BY, spammed.clock.now())
    await spammed.admin_node.node.commands.handle(erasure)
    reply = await spammed.reply(RESTORING)

    assert (reply.found, reply.changed, reply.already, reply.erased) == (MESSAGES, 12, 27, 1)


async def test_an_interrupted_removal_goes_on(spammed: Operated) -> None:
    """If the log becomes unavailable, the progress says how far it got, and a repetition does the rest."""
    spammed.log.fail("append", LogUnavailable("the disk is full"), skip=7)
    failed = (await spammed.replies(removal()))[-1]
    spammed.log.heal()
    reply = await spammed.reply(removal())

    assert failed == Failed("The log is unavailable (the disk is full): try again.")
    assert reply == counts(MESSAGES, MESSAGES - 7, already=7)


async def test_a_removal_ends_when_its_client_is_gone(flooded: Operated) -> None:
    """Nothing more is removed once the client has disconnected."""
    results = replies(flooded.admin_node, removal())
    progress = await anext(results)
    await results.aclose()

    assert isinstance(progress, Progress)
    assert progress.changed == len(flooded.room.history.removals) == STEP


async def test_a_removal_tells_how_far_it_got(flooded: Operated) -> None:
    """After each step a reply has the position that was reached, and the number of changes."""
    progress = [reply for reply in await flooded.replies(removal()) if isinstance(reply, Progress)]

    assert [(each.end, each.changed) for each in progress] == [(STEP + 53, STEP), (STEP + 53, STEP + 50)]


async def test_authors_are_read_a_hundred_at_a_time(flooded: Operated) -> None:
    """A log returns at most a hundred records by their positions, so more ids are read in parts."""
    ids = tuple(flooded.room.history.positions)
    changes = await flooded.replies(RemoveMessages(by=BY, ids=ids, reason="spam"))

    assert (len(changes), flooded.log.calls["pick"]) == (len(ids) + 1, 2)


async def test_only_records_of_the_time_are_read(spammed: Operated) -> None:
    """A removal does not read a long log from its beginning, but from about the time that it begins at."""
    before = spammed.log.records_read
    await spammed.replies(removal(since=Instant(5 * MINUTE, is_ago=True)))

    assert spammed.log.records_read - before <= 5
