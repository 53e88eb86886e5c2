"""Erase records as an operator's command does: by a record that says so."""

import json
from collections.abc import Iterable

from chatr.past.erasures import ERASABLE_TYPE, ERASING_TYPE
from chatr.ports import Draft, EventLog, Stored
from chatr.testing.contract.steps import new_draft, read_all


def message_draft(stream: str, text: str) -> Draft:
    """Return the draft of a message."""
    draft = new_draft(stream, data=json.dumps({"content": text}))
    return Draft(draft.id, stream, ERASABLE_TYPE, draft.at, 0, draft.data)


def erasing_draft(records: Iterable[Stored]) -> Draft:
    """Return the draft that says that these records are erased, for the stream of the first one."""
    erased = list(records)
    draft, stream = new_draft(), erased[0].stream
    named = [{"position": each.position, "rest": each.rest_hash.hex()} for each in erased]
    data = {"agent": stream.removeprefix("agent/"), "records": named, "reason": "It named a person.", "by": "grace"}
    return Draft(draft.id, stream, ERASING_TYPE, draft.at, 0, json.dumps(data))


async def erase(log: EventLog, *positions: int) -> None:
    """Append a record that says that these records are erased, and erase them."""
    draft = erasing_draft(await log.pick(positions))
    ends = {stored.stream: stored.position for stored in await read_all(log)}
    await log.append(draft, expected=ends[draft.stream])
    await log.erase(positions)
