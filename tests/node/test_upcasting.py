"""Stored forms of events may change: old records stay readable and are upcast when they are decoded."""

from typing import Any

import pytest

from chatr.codec import UnreadableRecord, decode, reader
from chatr.domain.events import MessagePosted
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen
from chatr.ports import Draft, Stored

AT = 1_767_225_600_000
CRAB = AgentId("b6d931fa-8c94-5596-a61e-d8b87a0e3a89")


def stored(type_name: str, data: str) -> Stored:
    """A record of this type with this stored text."""
    return Draft("1", f"agent/{CRAB}", type_name, AT, 0, data).at_position(1, 0, b"")


def upcast(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form that called the content `text` and had no idempotency key."""
    return {"agent": fields["agent"], "content": fields["text"], "idempotency_key": None}


def test_an_older_form_is_upcast() -> None:
    """Where a second form of an event replaces the first, records of both become the same event."""
    readers = {"message-posted.v1": reader(MessagePosted, upcast), "message-posted.v2": reader(MessagePosted)}
    first = stored("message-posted.v1", f'{{"agent":"{CRAB}","text":"Hello!"}}')
    second = stored("message-posted.v2", f'{{"agent":"{CRAB}","content":"Hello!","idempotency_key":null}}')

    assert decode(first, readers).event == decode(second, readers).event == MessagePosted(CRAB, "Hello!", None, AT)


def test_a_record_that_cannot_be_upcast_is_unreadable() -> None:
    """A record that lacks a field of its older form stops the reader, as any other damaged record does."""
    damaged = stored("message-posted.v1", f'{{"agent":"{CRAB}"}}')

    with pytest.raises(UnreadableRecord, match="Record 1 "):
        decode(damaged, {"message-posted.v1": reader(MessagePosted, upcast)})


@statically_frozen
class Reply(MessagePosted):
    """A message with an optional field that was added later."""

    answers: int | None = None


def test_an_optional_field_needs_no_new_form() -> None:
    """A record from before the field was added has its default, a later record its stored value."""
    readers = {"message-posted.v1": reader(Reply)}
    data = f'{{"agent":"{CRAB}","content":"Hello!","idempotency_key":null'
    before, after = stored("message-posted.v1", data + "}"), stored("message-posted.v1", data + ',"answers":7}')

    assert [decode(each, readers).event for each in (before, after)] == [
        Reply(CRAB, "Hello!", None, AT),
        Reply(CRAB, "Hello!", None, AT, answers=7),
    ]


def test_an_unknown_field_is_ignored() -> None:
    """An older chatr reads records to which a newer one added an optional field."""
    later = stored("message-posted.v1", f'{{"agent":"{CRAB}","content":"Hello!","idempotency_key":null,"answers":7}}')

    assert decode(later).event == MessagePosted(CRAB, "Hello!", None, AT)
