"""A network without sockets: the server writes to a simulated transport, and the client receives at once."""

import asyncio
import contextvars
import re
from typing import Any, Final, Protocol

import msgspec.json
from attrs import define, field, frozen

from tests.simulation.loop import Address, SimulatedLoop

CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class ClientEnd(Protocol):
    """The client's end of a connection. `waiting` bytes were received and not read: they fill the server's buffer."""

    waiting: int

    def received(self, data: bytes) -> None:
        """The server has written `data`."""
        ...

    def lost(self) -> None:
        """The connection was closed by either side."""
        ...


@define(eq=False)
class Connection(asyncio.Transport):
    """The server's end of a connection. `context` is that of the server's process."""

    client: ClientEnd
    context: contextvars.Context
    protocol: asyncio.Protocol
    closing: bool = False
    _limit: int = 65536
    _is_paused: bool = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the client."""
        if not self.closing:
            self.client.received(bytes(data))
            self._maybe_pause()

    def _maybe_pause(self) -> None:
        if self.client.waiting > self._limit and not self._is_paused:
            self._is_paused = True
            self.protocol.pause_writing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection over to another protocol."""
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_protocol(self) -> asyncio.Protocol:
        """The current protocol."""
        return self.protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The client's address as `peername`; there is no socket."""
        return ("127.0.0.1", 9) if name == "peername" else default

    def get_write_buffer_size(self) -> int:
        """The bytes that the client has not read."""
        return self.client.waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:  # noqa: ARG002 -- resumed at 0
        """Pause the protocol once more than `high` bytes are waiting."""
        self._limit = 65536 if high is None else high
        self._maybe_pause()

    def drained(self) -> None:
        """Resume the protocol, if it was paused: the client has read everything."""
        if self._is_paused and not self.closing:
            self._is_paused = False
            self.context.run(self.protocol.resume_writing)

    def is_closing(self) -> bool:
        """Whether the connection was closed."""
        return self.closing

    def pause_reading(self) -> None:
        """Do nothing: a client sends little."""

    def resume_reading(self) -> None:
        """Do nothing, as `pause_reading`."""

    def close(self) -> None:
        """Close the connection, from whichever side."""
        if not self.closing:
            self.closing = True
            # By a timer, because the next loop iteration may be the one in which the server first sees the connection.
            self.context.run(asyncio.get_running_loop().call_later, 0, self._lose)
            self.client.lost()

    def _lose(self) -> None:
        self.protocol.connection_lost(None)

    def abort(self) -> None:
        """Close the connection."""
        self.close()

    def send(self, data: bytes) -> None:
        """Send bytes from the client to the server."""
        if not self.closing:
            self.context.run(self.protocol.data_received, data)


def connect(address: Address, client: ClientEnd) -> Connection:
    """Open a connection to the server that listens at `address`. Raises ConnectionRefusedError."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    listening = loop.servers.get(address)
    if listening is None:
        raise ConnectionRefusedError
    protocol = listening.context.run(listening.protocol)
    connection = Connection(client, listening.context, protocol)
    listening.context.run(protocol.connection_made, connection)
    return connection


@frozen
class Response:
    """Status and JSON body of a response."""

    status: int
    json: Any

    @property
    def code(self) -> Any:
        """The error code, if there is one."""
        return self.json.get("code")


@define(eq=False)
class PendingRequest:
    """A client that waits for one response; None means that the connection was lost before it was complete."""

    response: "asyncio.Future[Response | None]"
    waiting: int = 0
    _raw: bytes = b""

    def received(self, data: bytes) -> None:
        """Complete `response` once the whole body is there."""
        self._raw += data
        head, end, body = self._raw.partition(b"\r\n\r\n")
        if end and not self.response.done():
            length = CONTENT_LENGTH.search(head + b"\r\n")
            if length is not None and len(body) == int(length[1]):
                self.response.set_result(Response(int(head[9:12]), msgspec.json.decode(body)))

    def lost(self) -> None:
        """Complete `response` with None."""
        if not self.response.done():
            self.response.set_result(None)


@define(eq=False)
class BodyReader:
    """Reads the endless body of a stream: skips the response head and takes chunks apart, if there are any."""

    status: int = 0
    _chunked: bool = False
    _raw: bytearray = field(factory=bytearray)

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body that are complete with `data`."""
        self._raw += data
        if not self.status and not self._read_head():
            return b""
        if self._chunked:
            return b"".join(self._read_chunks())
        body = bytes(self._raw)
        self._raw.clear()
        return body

    def _read_head(self) -> bool:
        """Whether the response head is complete."""
        end = self._raw.find(b"\r\n\r\n")
        if end >= 0:
            self.status = int(self._raw[9:12])
            self._chunked = b"transfer-encoding: chunked" in self._raw[:end].lower()
            del self._raw[: end + 4]
        return end >= 0

    def _read_chunks(self) -> list[bytes]:
        chunks = []
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            if len(self._raw) < end + 4 + size:
                break
            chunks.append(bytes(self._raw[end + 2 : end + 2 + size]))
            del self._raw[: end + 4 + size]
        return chunks
