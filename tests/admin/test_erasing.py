"""`chatr admin erase`: texts of messages are erased, and the command ends when no copy is left."""

import asyncio
from contextlib import aclosing

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.admin.commands import erasing
from chatr.admin.execute import replies
from chatr.admin.replies import Counts, End, Notice, Progress, Refused
from chatr.admin.requests import EraseMessages, EraseMessagesOf
from chatr.domain.limits import RECORDS_IN_ONE_ERASURE
from chatr.domain.room import Room
from chatr.ports import LogUnavailable, Stored
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.records import log_with, records_after
from tests.admin.conftest import Operated, operated_node, spammed_node
from tests.cli.conftest import COMMANDS

ERASE = EraseMessages(by="grace", ids=(5, 6), reason="They named a person.")


def counts(agent: str | None, changed: int, already: int, *, dry_run: bool = False) -> Counts:
    """The reply that says how many messages were erased."""
    return Counts(
        type="records-erased",
        agent=agent,
        dry_run=dry_run,
        found=changed + already,
        changed=changed,
        already=already,
        erased=0,
    )


async def texts(operated: Operated) -> list[str]:
    """The stored data of the messages 5, 6 and 9."""
    return [stored.data for stored in await operated.admin_node.log.pick([5, 6, 9])]


async def test_messages_are_erased(operated: Operated) -> None:
    """The texts are gone from the log when the command ends, and their records say so."""
    replies = await operated.replies(ERASE)

    assert counts(None, changed=2, already=0) in replies
    assert isinstance(replies[-2], Notice)
    assert replies[-1] == End()
    assert [bool(text) for text in await texts(operated)] == [False, False, True]
    assert {5, 6} <= operated.room.history.removals.by_message.keys()


async def test_all_messages_of_an_agent_are_erased(operated: Operated) -> None:
    """With the name of an agent, or one that looks like it, all of its messages are erased."""
    replies = await operated.replies(EraseMessagesOf(by="grace", agent="ada", reason="The owner asked for it."))

    assert counts("Ada", changed=2, already=0) in replies
    assert [bool(text) for text in await texts(operated)] == [False, True, False]


async def test_an_erasure_can_be_repeated(operated: Operated) -> None:
    """What is erased already is counted, and no second record is stored."""
    await operated.replies(ERASE)
    position = operated.room.position
    replies = await operated.replies(ERASE)

    assert counts(None, changed=0, already=2) in replies
    assert operated.room.position == position


async def test_of_two_equal_erasures_one_is_counted(operated: Operated) -> None:
    """Each message is erased by one of two operators, and was erased before for the other one."""
    both = await asyncio.gather(operated.replies(ERASE), operated.replies(ERASE))
    changed = [reply.changed for replies in both for reply in replies if isinstance(reply, Counts)]

    assert sum(changed) == 2


async def test_a_dry_run_erases_nothing(operated: Operated) -> None:
    """A dry run says how many messages would be erased, and its progress that nothing was stored."""
    dry = EraseMessages(by="grace", ids=(5,), reason="It named a person.", dry_run=True)
    replies = await operated.replies(dry)

    assert counts(None, changed=1, already=0, dry_run=True) in replies
    assert [reply.changed for reply in replies if isinstance(reply, Progress)] == [0]
    assert all(await texts(operated))


@pytest.mark.parametrize(("position", "code"), [(2, "message_not_found"), (99, "message_not_found")])
async def test_what_is_no_message_is_refused(operated: Operated, position: int, code: str) -> None:
    """If one of the ids is no message, none is erased."""
    replies = await operated.replies(EraseMessages(by="grace", ids=(5, position), reason="It named a person."))

    assert isinstance(replies[-1], Refused)
    assert replies[-1].code == code
    assert all(await texts(operated))


async def test_other_messages_are_erased_beside_an_altered_one(operated: Operated) -> None:
    """All other messages are erased, and the error at the end names those that were altered in the log."""
    operated.log.change("pick", alter_message_5)
    *others, last = await operated.replies(EraseMessages(by="grace", ids=(5, 6, 9), reason="They named a person."))
    operated.log.heal()

    assert counts(None, changed=2, already=0) in others
    assert [bool(text) for text in await texts(operated)] == [True, False, False]
    assert isinstance(last, Refused)
    assert last.error.startswith("These messages were altered in the log and are not erased: 5. Run chatr audit")


async def test_nothing_is_reported_gone_where_nothing_was_erased(operated: Operated) -> None:
    """Without a message that is erased there is nothing to wait for, and nothing to prove."""
    operated.log.change("pick", alter_message_5)
    replies = await operated.replies(EraseMessages(by="grace", ids=(5,), reason="It named a person."))

    assert [type(reply) for reply in replies] == [Counts, Refused]


def alter_message_5(records: list[Stored]) -> list[Stored]:
    """The records, of which that of message 5 is another one than was stored."""
    return [evolve(each, at=each.at + 1) if each.position == 5 else each for each in records]


async def test_an_erasure_tells_how_far_it_got() -> None:
    """After each record, which names a thousand messages at most, a reply has the number of those erased."""
    async for flooded in spammed_node(RECORDS_IN_ONE_ERASURE + 50):
        replies = await flooded.replies(EraseMessagesOf(by="grace", agent="Spammer", reason="It is illegal."))
    # The last one may be repeated until the texts are erased.
    progress = list(dict.fromkeys(reply for reply in replies if isinstance(reply, Progress) and reply.changed))
    most, all_ = RECORDS_IN_ONE_ERASURE, RECORDS_IN_ONE_ERASURE + 50

    assert progress == [Progress(most, all_, most), Progress(all_, all_, all_)]


async def test_the_command_says_what_is_not_clean(operated: Operated) -> None:
    """While the log cannot be emptied, the command says why and goes on waiting."""
    operated.log.fail("erase", LogUnavailable("the disk is full"), times=1)
    replies = await operated.replies(ERASE)
    notices = [reply.text for reply in replies if isinstance(reply, Notice)]

    assert notices[0] == "Not everything is erased yet: the disk is full."
    assert [bool(text) for text in await texts(operated)] == [False, False, True]


async def test_a_command_that_waits_repeats_its_last_progress(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the log cannot be emptied, each reply has the number of messages that were erased before."""
    monkeypatch.setattr(erasing, "REPLY_INTERVAL", 0.01)
    hold = operated.log.hold("erase")
    progress: list[Progress] = []
    async with aclosing(replies(operated.admin_node, ERASE)) as results:
        async for reply in results:
            progress += [reply] if isinstance(reply, Progress) else []
            if len(progress) == 5:
                operated.log.heal()
                hold.release()

    assert progress[:5] == [Progress(1, 2, 1), *[Progress(2, 2, 2)] * 4]
    assert set(progress[5:]) <= {Progress(2, 2, 2)}


class FullDisk:
    """A file of a node that cannot be written at the first attempt."""

    attempts = 0

    def mark_outdated(self) -> None:
        """As `TextFile.mark_outdated`."""

    async def remove_erased_texts(self, _room: Room) -> None:
        """As `TextFile.remove_erased_texts`."""
        # The first one is that of the start, when there is nothing to erase.
        self.attempts += 1
        if self.attempts == 2:
            raise OSError("No space left on device")


async def test_each_obstacle_is_named_once() -> None:
    """If the log and a file cannot be cleaned at the same time, the command says so of both, and not again."""
    log = FaultyLog(await log_with(MemoryLog(), records_after(COMMANDS)))
    async for operated in operated_node(log, FullDisk()):
        log.fail("erase", LogUnavailable("the log is locked"), times=3)
        found = await operated.replies(ERASE)

    assert [reply.text for reply in found if isinstance(reply, Notice)][:-1] == [
        "Not everything is erased yet: the log is locked.",
        "Not everything is erased yet: No space left on device.",
    ]
