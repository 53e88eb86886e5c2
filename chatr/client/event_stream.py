"""A parser of Server-Sent Events (WHATWG HTML, 9.2), without I/O."""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from attrs import define, field, frozen

from chatr.client.errors import NoAnswer

# Not str.splitlines, which also breaks lines at characters that JSON may contain.
LINE_END: Final = re.compile("\r\n|\n|\r")
MAX_PENDING: Final = 4 * 1024 * 1024
"""Characters of an unfinished line at which the stream is given up: no room sends so long a one."""


@frozen
class ServerSentEvent:
    """An event. `last_id` is the id from which a client resumes after it."""

    data: str
    last_id: str


@define
class EventStreamParser:
    """Makes events of the bytes of a stream. What is incomplete when the stream ends is discarded."""

    last_id: str = ""
    retry: float | None = None
    """Seconds after which the server asks clients to reconnect; None until it says."""
    _data: list[str] = field(factory=list)
    _rest: str = ""
    _id: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        factory=lambda: codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    )

    def __attrs_post_init__(self) -> None:
        self._id = self.last_id

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that are complete with these bytes. Raises NoAnswer for an endless line."""
        text = self._rest + self._decoder.decode(chunk)
        # A carriage return at the end may be the first half of a line end.
        half = "\r" if text.endswith("\r") else ""
        *lines, rest = LINE_END.split(text.removesuffix("\r"))
        self._rest = rest + half
        if len(self._rest) > MAX_PENDING:
            raise NoAnswer("The stream has a line without an end.")
        for line in lines:
            if line:
                self._parse_field(*line.partition(":"))
            else:
                yield from self._end_event()

    def _parse_field(self, name: str, _: str, value: str) -> None:
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            # WHATWG HTML 9.2.6: an id with NUL is ignored, and so is a `retry` with anything but ASCII digits.
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit() and len(value) < 10:
                self.retry = int(value) / 1000

    def _end_event(self) -> Iterator[ServerSentEvent]:
        # Only a complete event moves the id: the message of one that was cut off has not arrived.
        self.last_id = self._id
        if self._data:
            yield ServerSentEvent("\n".join(self._data), self.last_id)
        self._data.clear()
