"""A strict parser of Server-Sent Events, as specified in WHATWG HTML, section 9.2."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field, frozen

LINE_END: Final = re.compile("\r\n|\n|\r")


@frozen
class Frame:
    """An event as a client gets it. `id` is what the client would resume from, `own_id` the id in the frame itself."""

    name: str | None
    text: str
    id: str
    own_id: str | None

    @property
    def kind(self) -> Any:
        """The type inside the JSON of the frame."""
        return json.loads(self.text)["type"]

    @property
    def data(self) -> Any:
        """The data inside the JSON of the frame."""
        return json.loads(self.text)["data"]


@define
class EventSource:
    """Parses the bytes of a stream as a client does.

    Raises ValueError for unknown fields, which clients ignore, and for a block without data, at which some fail.
    """

    last_id: str = ""
    retry: int | None = None
    comments: int = 0
    _name: str | None = None
    _data: list[str] = field(factory=list)
    _own_id: str | None = None
    _partial_line: str = ""
    _decoder: codecs.IncrementalDecoder = field(factory=codecs.getincrementaldecoder("utf-8-sig"))

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete with these bytes."""
        text = self._partial_line + self._decoder.decode(data)
        # A carriage return at the end may be half of "\r\n".
        half = "\r" if text.endswith("\r") else ""
        *lines, rest = LINE_END.split(text.removesuffix("\r"))
        self._partial_line = rest + half
        for line in lines:
            if line:
                self._parse_field(*line.partition(":"))
            else:
                yield from self._end_frame()

    def _parse_field(self, name: str, _: str, value: str) -> None:
        value = value.removeprefix(" ")
        match name:
            case "":
                self.comments += 1
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._own_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)
            case _:
                raise ValueError(f"unknown field: {name}:{value}")

    def _end_frame(self) -> Iterator[Frame]:
        if not self._data:
            raise ValueError("a block without data: some clients dispatch an event with empty data for it")
        if self._own_id is not None:
            self.last_id = self._own_id
        yield Frame(self._name, "\n".join(self._data), self.last_id, self._own_id)
        self._name, self._data, self._own_id = None, [], None
