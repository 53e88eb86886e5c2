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
from chatr.node.erasing_commands import erasing_commands, is_erased
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


async def erase(
    node: Node, log: FaultyLog, *positions: int, reason: str = "It is illegal.", altered: list[int] | None = None
) -> list[int]:
    """Erase those of the messages that are not erased, as Grace, and return the positions of the erasing records.

    The positions of altered ones are added to `altered`.
    """
    to_erase = [position for position in sorted(positions) if not is_erased(node.room.rule_context, position)]
    found: list[int] = [] if altered is None else altered
    commands = erasing_commands(log, to_erase, reason, "grace", SettableClock(), found.append)
    return [(await node.commands.handle(command)).position async for command in commands]


async def erased_by(log: FaultyLog, *positions: int) -> list[tuple[str, list[int]]]:
    """Author and messages of each of these erasing records."""
    events = [decode(stored).event for stored in await log.pick(positions)]
    return [
        (each.agent, [named.position for named in each.records]) for each in events if isinstance(each, RecordsErased)
    ]


async def test_messages_are_erased_by_author(node: Node, log: FaultyLog) -> None:
    """Each author's stream gets one record, which proves what stays of its messages."""
    erasing = await erase(node, log, 8, 4, 7)
    (stored,) = await log.pick([7])

    assert erasing == [9, 10]
    assert sorted(await erased_by(log, *erasing)) == sorted([(CRAB, [4, 7]), (LOBSTER, [8])])
    assert stored.rest_hash.hex() in (await log.pick([9]))[0].data + (await log.pick([10]))[0].data


async def test_many_messages_take_several_records() -> None:
    """One record names at most a thousand messages."""
    log = await log_of([CRAB] * 2_100)
    node = node_on(log)
    async with background(node.follower.run()):
        await node.follower.wait_until_folded(await log.head())
        erasing = await erase(node, log, *range(4, 2_104))

    assert [len(named) for _, named in await erased_by(log, *erasing)] == [1_000, 1_000, 100]


async def test_nothing_is_erased_without_a_reason(node: Node, log: FaultyLog) -> None:
    """The rule is quoted and nothing is stored."""
    with pytest.raises(RuleViolated) as violated:
        await erase(node, log, 4, reason="")

    assert (violated.value.code, await log.head()) == ("invalid_reason", 8)


@pytest.mark.parametrize("change", [{"data": '{"content":"Another"}'}, {"at": START + 1}, {"data": ""}])
async def test_a_record_that_was_altered_is_not_erased(node: Node, log: FaultyLog, change: dict[str, Any]) -> None:
    """An altered record is reported and left out, and the others are erased."""
    log.change("pick", lambda found: [evolve(each, **(change if each.position == 4 else {})) for each in found])
    altered: list[int] = []
    erasing = await erase(node, log, 4, 5, altered=altered)

    assert altered == [4]
    assert await erased_by(log, *erasing) == [(LOBSTER, [5])]


async def test_an_erasing_that_was_interrupted_can_be_repeated(node: Node, log: FaultyLog) -> None:
    """If the store fails in between, the same command does the rest."""
    log.fail("append", LogUnavailable("the store is away"), skip=1, times=1)
    with pytest.raises(LogUnavailable):
        await erase(node, log, 4, 5)

    erasing = await erase(node, log, 4, 5)

    assert await erased_by(log, *erasing) == [(LOBSTER, [5])]
