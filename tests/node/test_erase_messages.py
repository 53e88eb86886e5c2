"""An operator erases messages: which records that appends, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.codec import decode
from chatr.domain.events import LimitsAdopted, MessagePosted
from chatr.domain.limits import SECOND, Limit, Limits
from chatr.domain.moderation_events import RecordsErased
from chatr.domain.rule import RuleViolated
from chatr.node.erase_messages import AlteredRecord, Erasures, erase_messages, messages_of
from chatr.node.node import Node
from chatr.ports import LogUnavailable
from chatr.testing.clock import START, SettableClock
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import log_with, records_of
from tests.domain.examples import CRAB, CRAB_REGISTERED, LOBSTER, LOBSTER_REGISTERED

OPEN: Final = LimitsAdopted(Limits(Limit(10_000, SECOND), Limit(10_000, SECOND)), START)
AUTHORS: Final = [CRAB, LOBSTER, CRAB, CRAB, LOBSTER]
"""Of the messages at the positions 4 to 8."""


async def log_of(authors: list[Any]) -> FaultyLog:
    """A log with a message of each author, from position 4 on."""
    posts = [MessagePosted(author, f"Text {number}", None, START) for number, author in enumerate(authors)]
    return FaultyLog(await log_with(MemoryLog(), records_of([OPEN, CRAB_REGISTERED, LOBSTER_REGISTERED, *posts])))


@pytest.fixture
async def log() -> FaultyLog:
    """A log with messages of two agents."""
    return await log_of(AUTHORS)


@pytest.fixture
async def node(log: FaultyLog) -> AsyncIterator[Node]:
    """A node that follows the log."""
    node = node_on(log)
    async with background(node.follower.run()):
        await node.follower.wait_until_folded(await log.head())
        yield node


async def erase(node: Node, log: FaultyLog, *positions: int, reason: str = "It is illegal.") -> Erasures:
    """Erase messages as Grace."""
    return await erase_messages(node, log, positions, reason=reason, by="grace", clock=SettableClock())


async def erased_by(log: FaultyLog, *positions: int) -> list[tuple[str, list[int]]]:
    """Author and messages of each of these erasing records."""
    events = [decode(stored).event for stored in await log.pick(positions)]
    return [
        (each.agent, [named.position for named in each.records]) for each in events if isinstance(each, RecordsErased)
    ]


async def test_messages_are_erased_by_author(node: Node, log: FaultyLog) -> None:
    """Each author's stream gets one record, which proves what stays of his messages."""
    done = await erase(node, log, 8, 4, 7, 4)
    (stored,) = await log.pick([7])

    assert done == Erasures(3, 0, [9, 10])
    assert sorted(await erased_by(log, *done.records)) == sorted([(CRAB, [4, 7]), (LOBSTER, [8])])
    assert stored.rest_hash.hex() in (await log.pick([9]))[0].data + (await log.pick([10]))[0].data


async def test_what_is_erased_is_not_erased_again(node: Node, log: FaultyLog) -> None:
    """A command that is repeated appends records for the rest alone."""
    await erase(node, log, 4, 5)

    assert await erase(node, log, 4, 5, 6) == Erasures(1, 2, [11])
    assert await erase(node, log, 4, 5, 6) == Erasures(0, 3, [])


async def test_many_messages_take_several_records() -> None:
    """One record names at most a thousand messages; how many are done is reported after each."""
    log, reached = await log_of([CRAB] * 2_100), list[int]()
    node = node_on(log)
    async with background(node.follower.run()):
        await node.follower.wait_until_folded(await log.head())
        positions = await messages_of(log, CRAB, node.room.position)
        done = await erase_messages(
            node, log, positions, reason="It is illegal.", by="grace", clock=SettableClock(), progress=reached.append
        )

    assert [len(named) for _, named in await erased_by(log, *done.records)] == [1_000, 1_000, 100]
    assert reached == [1_000, 2_000, 2_100]


async def test_all_messages_of_an_agent_are_found(node: Node, log: FaultyLog) -> None:
    """They are found by reading the log in parts, up to a position."""
    reached = list[int]()

    assert await messages_of(log, CRAB, 8, reached.append) == [4, 6, 7]
    assert await messages_of(log, LOBSTER, 7) == [5]
    assert reached == [8]


@pytest.mark.parametrize(
    ("positions", "reason", "code"),
    [((4, 3), "Why", "message_not_found"), ((4, 99), "Why", "message_not_found"), ((4,), "", "invalid_reason")],
)
async def test_nothing_is_erased_of_a_wrong_command(
    node: Node, log: FaultyLog, positions: tuple[int, ...], reason: str, code: str
) -> None:
    """If one id is not that of a message, or the reason is missing, the rule is quoted and nothing is stored."""
    with pytest.raises(RuleViolated) as violated:
        await erase(node, log, *positions, reason=reason)

    assert (violated.value.code, await log.head()) == (code, 8)


@pytest.mark.parametrize("change", [{"data": '{"content":"Another"}'}, {"at": START + 1}, {"data": ""}])
async def test_a_record_that_was_altered_is_not_erased(node: Node, log: FaultyLog, change: dict[str, Any]) -> None:
    """What is left would prove the change: the error says which record it is."""
    log.change("pick", lambda records: [evolve(each, **change) for each in records])

    with pytest.raises(AlteredRecord, match=r"^Record 4 was changed after it was stored, and is not erased"):
        await erase(node, log, 4)
    assert await log.head() == 8


async def test_an_erasing_that_was_interrupted_can_be_repeated(node: Node, log: FaultyLog) -> None:
    """If the store fails in between, the same command does the rest."""
    log.fail("append", LogUnavailable("the store is away"), skip=1, times=1)
    with pytest.raises(LogUnavailable):
        await erase(node, log, 4, 5)

    done = await erase(node, log, 4, 5)

    assert (done.erased, done.already) == (1, 1)
