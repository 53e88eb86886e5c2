"""Erases messages of a node or of a log in tests, and finds out what is left of their texts in memory."""

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from attrs import evolve

from chatr.codec import ERASING_TYPE, MESSAGE_TYPE
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.moderation_events import ErasedRecord, RecordsErased
from chatr.node.node import Node
from chatr.ports import Draft, EventLog, LogReader, Stored
from chatr.testing.clock import START
from chatr.testing.contract.steps import new_draft, read_all

REASON: Final = "It is illegal."


def erasure_of(*records: Stored) -> RecordsErased:
    """The event that erases these messages of one agent."""
    named = tuple(ErasedRecord(each.position, each.rest_hash.hex()) for each in records)
    return RecordsErased(AgentId(records[0].stream.removeprefix(AGENT_STREAM)), named, REASON, "grace", START)


def emptied(records: Sequence[Stored], *positions: int) -> list[Stored]:
    """The records, of which those at these positions have lost their texts."""
    return [evolve(each, data="") if each.position in positions else each for each in records]


async def record_erasure(node: Node, log: LogReader, *positions: int) -> int:
    """Append the record that erases messages of one agent, and return its position."""
    event = erasure_of(*await log.pick(positions))
    command = EraseRecords(event.agent, event.records, event.reason, event.by, event.at)
    return (await node.commands.handle(command)).position


def message_draft(stream: str, text: str) -> Draft:
    """Return the draft of a message."""
    draft = new_draft(stream, data=json.dumps({"content": text}))
    return Draft(draft.id, stream, MESSAGE_TYPE, draft.at, 0, draft.data)


def erasing_draft(records: Iterable[Stored]) -> Draft:
    """Return the draft that says that these records are erased, for the stream of the first one."""
    erased = list(records)
    draft, stream = new_draft(), erased[0].stream
    named = [{"position": each.position, "rest": each.rest_hash.hex()} for each in erased]
    data = {"agent": stream.removeprefix(AGENT_STREAM), "records": named, "reason": "It named a person.", "by": "grace"}
    return Draft(draft.id, stream, ERASING_TYPE, draft.at, 0, json.dumps(data))


async def erase(log: EventLog, *positions: int) -> None:
    """Append a record that says that these records are erased, and erase them."""
    draft = erasing_draft(await log.pick(positions))
    ends = {stored.stream: stored.position for stored in await read_all(log)}
    await log.append(draft, expected=ends[draft.stream])
    await log.erase(positions)


async def texts_in(log: LogReader) -> list[int]:
    """The positions of the records that are not empty."""
    return [each.position for each in await log.read(0, 10_000) if not each.is_erased]


@contextmanager
def only_new_objects() -> Iterator[None]:
    """Let `containers_with` look at the objects that are made in this block, which are few."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def containers_with(backwards: str) -> list[str]:
    """The types of the objects of this process that refer to a string or to bytes in which the text is.

    It is given backwards, or whoever asks would hold it.
    """
    # No generator: that would be an object that refers to the text.
    # Nor a comprehension, which would make cells of its variables.
    gc.collect()
    text, found = backwards[::-1], []
    encoded = text.encode()
    for container in gc.get_objects():
        for each in gc.get_referents(container):
            if (type(each) is str and text in each) or (type(each) is bytes and encoded in each):
                found.append(type(container).__name__)  # noqa: PERF401 -- see above
    return found
