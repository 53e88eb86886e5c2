"""A strict reader of Server-Sent Events, as of WHATWG HTML, section 9.2."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field, frozen

LINE_END: Final = re.compile("\r\n|\n|\r")


@frozen
class Frame:
    """An event as a client is handed it: `id` is what it would resume from, `own_id` what the frame itself said."""

    name: str | None
    text: str
    id: str
    own_id: str | None

    @property
    def kind(self) -> Any:
        return json.loads(self.text)["type"]

    @property
    def data(self) -> Any:
        return json.loads(self.text)["data"]


@define
class EventSource:
    """What a client makes of the bytes of a stream. A field that does not exist is an error here."""

    last_id: str = ""
    retry: int | None = None
    comments: int = 0
    _name: str | None = None
    _data: list[str] = field(factory=list)
    _own_id: str | None = None
    _rest: str = ""
    _decoder: codecs.IncrementalDecoder = field(factory=codecs.getincrementaldecoder("utf-8-sig"))

    def feed(self, raw: bytes) -> Iterator[Frame]:
        text = self._rest + self._decoder.decode(raw)
        half = "\r" if text.endswith("\r") else ""
        *lines, rest = LINE_END.split(text.removesuffix("\r"))
        self._rest = rest + half
        for line in lines:
            if line:
                self._take(*line.partition(":"))
            else:
                yield from self._dispatched()

    def _take(self, name: str, _: str, value: str) -> None:
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
                raise ValueError(f"no line of a stream: {name}:{value}")

    def _dispatched(self) -> Iterator[Frame]:
        if self._own_id is not None:
            self.last_id = self._own_id
        if self._data:
            yield Frame(self._name, "\n".join(self._data), self.last_id, self._own_id)
        self._name, self._data, self._own_id = None, [], None
