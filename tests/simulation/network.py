"""A network without sockets: the server's end is the transport that aiohttp writes to, the client's end hears it."""

import asyncio
import contextvars
import re
from typing import Any, Final, Protocol

import orjson
from attrs import define, field, frozen

from tests.simulation.loop import Address, SimulatedLoop

LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class End(Protocol):
    """The client's end of a connection. What is received and not yet taken fills the server's buffer."""

    waiting: int

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


@define(eq=False)
class Pipe(asyncio.Transport):
    """The server's end of a connection."""

    end: End
    context: contextvars.Context
    protocol: asyncio.Protocol
    closing: bool = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closing:
            self.end.received(bytes(data))

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_protocol(self) -> asyncio.Protocol:
        return self.protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 9) if name == "peername" else default

    def get_write_buffer_size(self) -> int:
        return self.end.waiting

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        """A client sends little."""

    def resume_reading(self) -> None:
        """As `pause_reading`."""

    def close(self) -> None:
        """The connection ends, from whichever side."""
        if not self.closing:
            self.closing = True
            # Not in the next turn, which may be the one in which the connection is first looked at.
            self.context.run(asyncio.get_running_loop().call_later, 0, self._lose)
            self.end.lost()

    def _lose(self) -> None:
        self.protocol.connection_lost(None)

    def abort(self) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """What the client says reaches the server."""
        if not self.closing:
            self.context.run(self.protocol.data_received, data)


def connect(address: Address, end: End) -> Pipe:
    """Raises ConnectionRefusedError."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    listening = loop.servers.get(address)
    if listening is None:
        raise ConnectionRefusedError
    protocol = listening.context.run(listening.protocol)
    pipe = Pipe(end, listening.context, protocol)
    listening.context.run(protocol.connection_made, pipe)
    return pipe


@frozen
class Answer:
    status: int
    json: Any

    @property
    def code(self) -> Any:
        return self.json.get("code")


@define(eq=False)
class Asking:
    """A client that waits for its answer; None = the connection was lost before that."""

    answer: "asyncio.Future[Answer | None]"
    waiting: int = 0
    _raw: bytes = b""

    def received(self, data: bytes) -> None:
        self._raw += data
        head, end, body = self._raw.partition(b"\r\n\r\n")
        if end and not self.answer.done():
            length = LENGTH.search(head + b"\r\n")
            if length is not None and len(body) == int(length[1]):
                self.answer.set_result(Answer(int(head[9:12]), orjson.loads(body)))

    def lost(self) -> None:
        if not self.answer.done():
            self.answer.set_result(None)


@define(eq=False)
class Reader:
    """Takes the head off an answer that does not end, and its chunks apart if it has any."""

    status: int = 0
    _chunked: bool = False
    _raw: bytearray = field(factory=bytearray)

    def feed(self, data: bytes) -> bytes:
        """What the body has grown by."""
        self._raw += data
        if not self.status and not self._take_head():
            return b""
        if self._chunked:
            return b"".join(self._chunks())
        body = bytes(self._raw)
        self._raw.clear()
        return body

    def _take_head(self) -> bool:
        end = self._raw.find(b"\r\n\r\n")
        if end >= 0:
            self.status = int(self._raw[9:12])
            self._chunked = b"transfer-encoding: chunked" in self._raw[:end].lower()
            del self._raw[: end + 4]
        return end >= 0

    def _chunks(self) -> list[bytes]:
        chunks = []
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            if len(self._raw) < end + 4 + size:
                break
            chunks.append(bytes(self._raw[end + 2 : end + 2 + size]))
            del self._raw[: end + 4 + size]
        return chunks
