"""A node without a web server whose messages can be searched."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import frozen

from chatr.adapters.search.fts5 import Fts5Index
from chatr.adapters.stores.memory import MemoryLog
from chatr.background_tasks import background
from chatr.domain.events import Event, LimitsAdopted, MessagePosted
from chatr.domain.limits import SECOND, Limit, Limits
from chatr.domain.room import Room
from chatr.node.erasing import Erasing
from chatr.node.message_search import MessageSearch
from chatr.node.node import Node
from chatr.node.search_indexer import SearchIndexer
from chatr.ports import EventLog
from chatr.testing.clock import START
from chatr.testing.nodes import node_on
from chatr.testing.records import log_with, records_of
from tests.domain.examples import CRAB, CRAB_REGISTERED

OPEN = LimitsAdopted(Limits(Limit(100_000, SECOND), Limit(100_000, SECOND)), START)


@frozen
class SearchedNode:
    """A node that indexes its messages and carries out erasures."""

    node: Node
    search: MessageSearch
    erasing: Erasing

    async def find(
        self,
        query: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        among: Sequence[Sequence[int]] = (),
    ) -> Sequence[int]:
        """The positions of the messages that are found."""
        return (await self.search.find(query, (after, before), limit, among, forward=after is not None)).positions


@asynccontextmanager
async def searched_node(
    log: EventLog, path: Path | None = None, *, index: Fts5Index | None = None, room: Room | None = None
) -> AsyncIterator[SearchedNode]:
    """A node that has folded the log, with its index at `path`, or with the given one.

    `room` is that of a checkpoint.
    """
    index = index or Fts5Index(path)
    room = room or Room()
    indexer = SearchIndexer(index, log, room, pause=0.01)
    erasing = Erasing(log, [indexer], first_pause=0.01)
    node = node_on(log, room, erasing, indexer)
    try:
        async with background(node.follower.run()), asyncio.timeout(30):
            await node.follower.wait_until_folded(await log.head())
            async with background(erasing.run(node.room)), background(indexer.run()):
                yield SearchedNode(node, MessageSearch(index, indexer), erasing)
    finally:
        await index.close()


def posts(*texts: str) -> list[Event]:
    """The events of a room with these messages, from position 3 on."""
    return [OPEN, CRAB_REGISTERED, *(MessagePosted(CRAB, text, None, START) for text in texts)]


async def log_of(*texts: str) -> MemoryLog:
    """A log with these messages, from position 3 on."""
    return await log_with(MemoryLog(), records_of(posts(*texts)))
