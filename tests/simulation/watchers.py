"""Watchers that lose their connection and resume from their last id, at any node."""

from collections.abc import Callable
from typing import Any

import msgspec.json
from attrs import define, field

from tests.simulation.branch import StoredMessage
from tests.simulation.network import BodyReader, Connection
from tests.simulation.oracle import Oracle
from tests.simulation.process import Process
from tests.simulation.visibility import ShownMessages, hidden_at, stays_hidden
from tests.sse import EventSource, Frame


@define(eq=False)
class Watcher:
    """Implements `ClientEnd`. A `slow` watcher reads what it was sent only when `read` is called.

    `cursor` is the id of the last message that it received. One that `wants_removed` takes back what was removed.
    `in_memory`: how many messages a node holds.
    """

    name: str
    oracle: Oracle
    note: Callable[..., None]
    wants_removed: bool
    in_memory: int
    slow: bool = False
    cursor: str = ""
    process: Process | None = None
    waiting: int = 0
    shown: ShownMessages = field(factory=ShownMessages)
    _hidden: dict[int, int] = field(factory=dict)
    """What the node did not show when the watcher connected."""
    _connection: Connection | None = None
    _reader: BodyReader = field(factory=BodyReader)
    _source: EventSource = field(factory=EventSource)
    _unread: bytearray = field(factory=bytearray)
    _history: int | None = None
    _resumed_from: str = ""

    @property
    def connected(self) -> bool:
        """Whether its connection is open."""
        return self._connection is not None

    def connect(self, process: Process, history: int, *, chunked: bool) -> None:
        """Open a stream and resume from the cursor. Raises ConnectionRefusedError."""
        self._reader, self._source = BodyReader(), EventSource()
        self._unread.clear()
        self.waiting, self.process, self._history, self._resumed_from = 0, process, history, self.cursor
        self._source.last_id, self._hidden = self.cursor, hidden_at(process.node)
        self._connection = process.connect(self)
        last = f"Last-Event-ID: {self.cursor}\r\n" if self.cursor else ""
        # Only HTTP/1.1 has chunks.
        kinds = "?events=removed" if self.wants_removed else ""
        self._connection.send(f"GET /api/stream{kinds} HTTP/1.{int(chunked)}\r\nHost: localhost\r\n{last}\r\n".encode())

    def disconnect(self) -> None:
        """Close the connection. Bytes that were not read are lost."""
        if self._connection is not None:
            self._connection.close()

    def received(self, data: bytes) -> None:
        """Buffer what the server has sent, and read it unless the watcher is slow."""
        self._unread += data
        self.waiting = len(self._unread)
        if not self.slow:
            self.read()

    def read(self, count: int | None = None) -> None:
        """Read so many bytes, or all that wait, and check every frame."""
        piece = bytes(self._unread[:count])
        del self._unread[:count]
        self.waiting = len(self._unread)
        if piece and not self.waiting and self._connection is not None:
            self._connection.drained()
        body = self._reader.feed(piece)
        if self._reader.status not in (0, 200):
            return
        for frame in self._source.feed(body):
            self._check_frame(frame)

    def lost(self) -> None:
        """The connection was closed."""
        self._connection = None

    def _check_frame(self, frame: Frame) -> None:
        content = msgspec.json.decode(frame.text)
        kind, data = content["type"], content["data"]
        self.note(self.name, kind, frame.own_id)
        match kind:
            case "message":
                self._check_message(frame.id, data)
            case "history":
                self._check_history(frame.id, data)
            case "removed":
                self._check_removed(int(data["id"]), restored=data["restored"])
            case "reset":
                self._check_reset(data)
            case "stats":
                if data["position"] and self.oracle.chain_hashes.get(data["digest"]) != data["position"]:
                    self.oracle.report(f"{self.name} received a chain hash that no log has: {data}")

    def _check_message(self, cursor: str, data: Any) -> None:
        """A message must follow the one received before, and be as it was stored."""
        message = self.oracle.messages.get(cursor)
        if message is None:
            self.oracle.report(f"{self.name} received {cursor}, which is not in the log")
            return
        if not self.oracle.visibility.follows(self.oracle.messages.get(message.before), self.cursor):
            expected = f"after {self.cursor or 'nothing'} instead of {message.before}"
            self.oracle.report(f"{self.name} received {cursor} {expected}")
        self._check_content(data, message)
        if not self.shown.add(message.position):
            self.oracle.report(f"{self.name} received {cursor} again")
        self.cursor = cursor

    def _check_removed(self, position: int, *, restored: bool) -> None:
        """Only who asked for them gets removed frames, of messages that were hidden once."""
        message = self.oracle.branch.by_position.get(position)
        was_hidden = message is not None and message.cursor in self.oracle.visibility.hidden_once
        # While a log is restored a node may still follow the old one.
        if not self.wants_removed or not (was_hidden or self.oracle.generation):
            self.oracle.report(f"{self.name} is told that {position} was removed")
        self.shown.change(position, restored=restored)

    def _check_reset(self, data: Any) -> None:
        """A reset must have a reason."""
        assert self.process is not None
        if not self.oracle.may_reset(self._resumed_from, self.process.node):
            self.oracle.report(f"{self.name} was reset at {self._resumed_from}: {data}")
        self._resumed_from = ""

    def _check_history(self, cursor: str, history: list[Any]) -> None:
        """A history must hold the newest messages, as many as the setting says."""
        if self._resumed_from:
            self.oracle.report(f"{self.name} asked for what followed {self._resumed_from}, and got a history")
        message = self.oracle.messages.get(cursor)
        if cursor and message is None:
            self.oracle.report(f"{self.name} received a history up to {cursor}, which is not in the log")
        for data in reversed(history):
            if message is not None:
                message = self._older_message(message, int(data["id"]))
                self._check_content(data, message)
                message = self.oracle.messages.get(message.before)
        self._check_count(len(history), message)
        self.shown.begin([int(data["id"]) for data in history])
        self.cursor = cursor

    def _older_message(self, message: StoredMessage, position: int) -> StoredMessage:
        """The message at `position`, if all between were hidden once; else the first one of these that was not."""
        while message.position != position and message.cursor in self.oracle.visibility.hidden_once:
            message = self.oracle.messages[message.before]
        return message

    def _check_count(self, count: int, rest: StoredMessage | None) -> None:
        """A history is shorter than the setting says only if the rest is hidden, or has to be read from the log."""
        while rest is not None and rest.cursor in self.oracle.visibility.hidden_once:
            rest = self.oracle.messages.get(rest.before)
        assert self._history is not None
        is_in_memory = rest is not None and len(self.oracle.branch.messages) - rest.number < self.in_memory
        if count > self._history or (count < self._history and is_in_memory):
            self.oracle.report(f"{self.name} received {count} messages of history, and not {rest}")

    def _check_content(self, data: Any, message: StoredMessage) -> None:
        if (data["id"], data["agentId"], data["content"]) != (str(message.position), message.agent, message.content):
            self.oracle.report(f"{self.name} received {data} for {message}")
        if self.process and stays_hidden(self._hidden, self.process.node, message.position):
            self.oracle.report(f"{self.name} received {message.cursor}, which was hidden before it connected")
