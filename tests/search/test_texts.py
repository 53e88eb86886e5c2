"""The texts that are indexed, as they are read from the log."""

from typing import Any

from chatr.adapters.stores.memory import MemoryLog
from chatr.node.search_texts import TextReader
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.records import folded_room, log_with, records_of
from tests.domain.examples import CRAB_POSTED, CRAB_REGISTERED


async def test_texts_are_read_while_the_room_folds_more() -> None:
    """Texts are read although the room folds more records meanwhile, because its log is still the same."""
    records = records_of([CRAB_REGISTERED, CRAB_POSTED, CRAB_POSTED])
    log, room = FaultyLog(await log_with(MemoryLog(), records)), folded_room(records[:-1])

    async def fold_meanwhile(proceed: Any, *_: object) -> Any:
        room.apply(records[-1])
        return await proceed()

    log.replace("pick", fold_meanwhile, times=1)
    texts = [text async for batch in TextReader(log).texts_within(range(1, 3), room) for text in batch]

    assert texts == [(2, CRAB_POSTED.content)]
