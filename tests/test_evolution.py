"""How stored forms change: old records are read for ever, and brought up to date where they are decoded."""

from typing import Any

import pytest

from chatr.codec import Unreadable, decode, reader
from chatr.domain.events import AgentId, MessagePosted
from chatr.domain.frozen import frozen
from chatr.ports import Draft, Stored

AT = 1_767_225_600_000
CRAB = AgentId("b6d931fa-8c94-5596-a61e-d8b87a0e3a89")


def stored(name: str, data: str) -> Stored:
    return Draft("1", f"agent/{CRAB}", name, AT, 0, data).placed(1, 0, b"")


def renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """From a form that called the content its text, and knew no idempotency keys."""
    return {"agent": fields["agent"], "content": fields["text"], "idempotency_key": None}


def test_an_older_form_is_brought_up_to_date() -> None:
    """Where a second form of an event replaces the first, records of both become the same event."""
    forms = {"message-posted.v1": reader(MessagePosted, renamed), "message-posted.v2": reader(MessagePosted)}
    first = stored("message-posted.v1", f'{{"agent":"{CRAB}","text":"Hello!"}}')
    second = stored("message-posted.v2", f'{{"agent":"{CRAB}","content":"Hello!","idempotency_key":null}}')

    assert decode(first, forms).event == decode(second, forms).event == MessagePosted(CRAB, "Hello!", None, AT)


def test_an_older_form_can_be_damaged() -> None:
    """What cannot be brought up to date stops the reader, as anything else that is damaged does."""
    damaged = stored("message-posted.v1", f'{{"agent":"{CRAB}"}}')

    with pytest.raises(Unreadable, match="Record 1 "):
        decode(damaged, {"message-posted.v1": reader(MessagePosted, renamed)})


@frozen
class Answering(MessagePosted):
    """The form with an optional field that was added later."""

    answers: int | None = None


def test_an_optional_field_needs_no_new_form() -> None:
    """A record from before a field was added has its default, a later one what it says."""
    forms = {"message-posted.v1": reader(Answering)}
    data = f'{{"agent":"{CRAB}","content":"Hello!","idempotency_key":null'
    before, after = stored("message-posted.v1", data + "}"), stored("message-posted.v1", data + ',"answers":7}')

    assert [decode(each, forms).event for each in (before, after)] == [
        Answering(CRAB, "Hello!", None, AT, None),
        Answering(CRAB, "Hello!", None, AT, 7),
    ]


def test_a_field_that_is_not_known_yet_is_ignored() -> None:
    """An older chatr reads records to which a newer one added an optional field."""
    later = stored("message-posted.v1", f'{{"agent":"{CRAB}","content":"Hello!","idempotency_key":null,"answers":7}}')

    assert decode(later).event == MessagePosted(CRAB, "Hello!", None, AT)
