"""Watchers that lose their connection and come back with their last id, to any node."""

from collections.abc import Callable
from typing import Any

import orjson
from attrs import define, field

from tests.simulation.network import Pipe, Reader
from tests.simulation.process import Process
from tests.simulation.truth import Said, Truth
from tests.sse import EventSource, Frame


@define(eq=False)
class Watcher:
    """`slow` watchers take what they were sent only when they are told to."""

    name: str
    truth: Truth
    note: Callable[..., None]
    slow: bool = False
    cursor: str = ""
    process: Process | None = None
    waiting: int = 0
    _pipe: Pipe | None = None
    _reader: Reader = field(factory=Reader)
    _source: EventSource = field(factory=EventSource)
    _untaken: bytearray = field(factory=bytearray)
    _history: int | None = None
    _asked: str = ""

    @property
    def connected(self) -> bool:
        return self._pipe is not None

    def come(self, process: Process, history: int, *, chunked: bool) -> None:
        """Raises ConnectionRefusedError."""
        self._reader, self._source = Reader(), EventSource()
        self._untaken.clear()
        self.waiting, self.process, self._history, self._asked = 0, process, history, self.cursor
        self._source.last_id = self.cursor
        self._pipe = process.connect(self)
        last = f"Last-Event-ID: {self.cursor}\r\n" if self.cursor else ""
        self._pipe.send(f"GET /api/stream HTTP/1.{int(chunked)}\r\nHost: room\r\n{last}\r\n".encode())

    def leave(self) -> None:
        """What was not taken is lost."""
        if self._pipe is not None:
            self._pipe.close()

    def received(self, data: bytes) -> None:
        self._untaken += data
        self.waiting = len(self._untaken)
        if not self.slow:
            self.take()

    def take(self, most: int | None = None) -> None:
        piece = bytes(self._untaken[:most])
        del self._untaken[:most]
        self.waiting = len(self._untaken)
        body = self._reader.feed(piece)
        if self._reader.status not in (0, 200):
            return
        for frame in self._source.feed(body):
            self._take_frame(frame)

    def lost(self) -> None:
        self._pipe = None

    def _take_frame(self, frame: Frame) -> None:
        told = orjson.loads(frame.text)
        kind, data = told["type"], told["data"]
        self.note(self.name, kind, frame.own_id)
        match kind:
            case "message":
                self._message(frame.id, data)
            case "history":
                self._all(frame.id, data)
            case "reset":
                self._reset(data)
            case "stats":
                if data["position"] and self.truth.heads.get(data["digest"]) != data["position"]:
                    self.truth.wrong(f"{self.name} was told of a head that no log has: {data}")

    def _message(self, cursor: str, data: Any) -> None:
        """It follows the one heard before, and is as it was stored."""
        said = self.truth.said.get(cursor)
        if said is None:
            self.truth.wrong(f"{self.name} heard {cursor}, which is not in the log")
            return
        if said.before != self.cursor:
            self.truth.wrong(f"{self.name} heard {cursor} after {self.cursor or 'nothing'} instead of {said.before}")
        self._same(data, said)
        self.cursor = cursor

    def _reset(self, data: Any) -> None:
        assert self.process is not None
        if not self.truth.may_reset(self._asked, self.process.node):
            self.truth.wrong(f"{self.name} was reset at {self._asked}: {data}")
        self._asked = ""

    def _all(self, cursor: str, history: list[Any]) -> None:
        """The newest messages there are, as many as there should be."""
        if self._asked:
            self.truth.wrong(f"{self.name} asked for what followed {self._asked}, and got a history")
        said = self.truth.said.get(cursor)
        if cursor and said is None:
            self.truth.wrong(f"{self.name} heard a history up to {cursor}, which is not in the log")
        assert self._history is not None
        if len(history) != min(self._history, said.number if said else 0):
            self.truth.wrong(f"{self.name} heard {len(history)} messages of history up to {cursor}")
        for data in reversed(history):
            if said is not None:
                self._same(data, said)
                said = self.truth.said.get(said.before)
        self.cursor = cursor

    def _same(self, data: Any, said: Said) -> None:
        if (data["id"], data["agentId"], data["content"]) != (str(said.position), said.agent, said.content):
            self.truth.wrong(f"{self.name} heard {data} for {said}")
