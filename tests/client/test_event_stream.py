"""The client's parser of Server-Sent Events."""

import pytest

from chatr.client import NoAnswer
from chatr.client.event_stream import EventStreamParser, ServerSentEvent

STREAM = (
    "\ufeffretry: 3000\nid: 1-a\ndata: {\u2028🦀}\n\n: comment\n\nid\r\ndata:x\r\ndata: y\r\n\r\rid: 2-b\rdata\r\r"
    "data: cut off"
)
EVENTS = [("{\u2028🦀}", "1-a"), ("x\ny", ""), ("", "2-b")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_do_not_matter(size: int) -> None:
    """The parser returns the same events however the bytes are divided, and ignores an incomplete event."""
    data, parser = STREAM.encode(), EventStreamParser()
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    events = [event for chunk in chunks for event in parser.feed(chunk)]

    assert events == [ServerSentEvent(*event) for event in EVENTS]
    assert (parser.retry, parser.last_id) == (3, "2-b")


def test_an_event_that_was_cut_off_does_not_move_the_id() -> None:
    """A client does not resume from the id of an event that was cut off."""
    parser = EventStreamParser("1-a")

    assert ([*parser.feed(b"id: 2-b\ndata: {\n")], parser.last_id) == ([], "1-a")


@pytest.mark.parametrize("retry", ["soon", "-1", "1e9", "99999999999999", "", "²"])
def test_a_garbage_retry_is_ignored(retry: str) -> None:
    """A `retry:` that is not a reasonable number does not change the pause."""
    parser = EventStreamParser()
    events = [*parser.feed(f"retry: {retry}\ndata: x\n\n".encode())]

    assert (len(events), parser.retry) == (1, None)


def test_a_line_without_an_end_is_given_up() -> None:
    """The parser raises an error for a line that never ends, before it fills the memory."""
    parser = EventStreamParser()

    with pytest.raises(NoAnswer, match="without an end"):
        [event for _ in range(100) for event in parser.feed(b"x" * 1_000_000)]
