"""An HTTP proxy to a room, which loses, delays or replaces the responses that a test names."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import define, field

Writer = asyncio.StreamWriter
Reader = asyncio.StreamReader
QUOTA: Final = re.compile(rb"r=[0-9]+;t=[0-9]+")
ERROR_BODY: Final = {"success": False, "error": "A sentence."}


@define
class Fault:
    """A fault of the next request whose first line begins with `request`, of one `kind`.

    - `before`: the connection is reset, and the room does not get the request.
    - `lost`: the room responds, and the connection is reset.
    - `truncated`: half of the response arrives.
    - `slow`: the response takes a second longer.
    - `quota`: the response says that no message may be posted for a second.
    - `cut`: a stream ends within the event that has the text `at`.
    - `retry`: the `retry:` line of a stream has the value `at`.
    - `extra`: the text `at` follows the first event of a stream.
    - a number: a response with this status replaces that of the room. It is an error of the room if it has a `code`,
      else of a proxy. The room gets the request only if the code is `outcome_unknown`.
    """

    request: str
    kind: str | int
    at: str = ""
    code: str = ""
    retry_after: int | None = None


@define(eq=False)
class FaultyProxy:
    """Forwards each request to `target`, on a connection of its own. While `target` is None it resets connections."""

    target: tuple[str, int] | None = None
    port: int = 0
    faults: list[Fault] = field(factory=list)
    requests: list[str] = field(factory=list)
    times: list[float] = field(factory=list)
    begun_streams: int = 0
    open_streams: int = 0
    _connections: set[asyncio.Task[None]] = field(factory=set)

    @property
    def url(self) -> str:
        """The address of the room behind it."""
        return f"http://127.0.0.1:{self.port}"

    def lead_to(self, url: str) -> None:
        """Forward requests to the room at `url` from now on."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.target = parts.hostname, parts.port

    def close_connections(self) -> None:
        """Cut everything that is open."""
        for connection in self._connections:
            connection.cancel()

    async def accept(self, reader: Reader, writer: Writer) -> None:
        """Serve one request of a client, and close the connection."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # asyncio would log it as an error of this callback
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
        line = head.split(b" HTTP/")[0].decode()
        self.requests.append(line)
        self.times.append(asyncio.get_running_loop().time())
        fault = next((each for each in self.faults if line.startswith(each.request)), Fault("", "none"))
        with suppress(ValueError):
            self.faults.remove(fault)
        if fault.kind == "before" or self.target is None:
            return
        if isinstance(fault.kind, int) and fault.code != "outcome_unknown":
            await self._send_error(writer, fault)
            return
        upstream_reader, upstream = await asyncio.open_connection(*self.target)
        # A client sends nothing after its request, so this ends when it closes the connection.
        client_end = asyncio.create_task(reader.read())
        client_end.add_done_callback(lambda _: upstream.transport.abort())
        try:
            upstream.write(one_request(head) + body)
            await self._forward(upstream_reader, writer, fault, is_stream=line.startswith("GET /api/stream"))
        finally:
            upstream.transport.abort()
            client_end.cancel()
            await asyncio.wait([client_end])

    async def _forward(self, reader: Reader, writer: Writer, fault: Fault, *, is_stream: bool) -> None:
        if is_stream and fault.kind != "lost":
            await self._forward_stream(reader, writer, fault)
            return
        answer = b"" if is_stream else await reader.read(-1)
        match fault.kind:
            case "lost":
                return
            case "truncated":
                writer.write(answer[: len(answer) - 20])
            case "quota":
                writer.write(QUOTA.sub(b"r=0;t=1", answer))
            case int():
                await self._send_error(writer, fault)
            case kind:
                await asyncio.sleep(1 if kind == "slow" else 0)
                writer.write(answer)
        await finish(writer)

    async def _forward_stream(self, reader: Reader, writer: Writer, fault: Fault) -> None:
        """Forward a stream. Clients are told to reconnect after 20 ms, so that tests need not wait."""
        self.open_streams += 1
        begun = False
        try:
            while piece := await reader.read(65536):
                retry = fault.at if fault.kind == "retry" else "0020"
                piece = piece.replace(b"retry: 3000", f"retry: {retry}".encode())
                if fault.kind == "cut" and fault.at.encode() in piece:
                    piece = piece[: piece.index(fault.at.encode()) + len(fault.at) // 2]
                writer.write(piece)
                if fault.kind == "extra" and not begun:
                    event = f"{fault.at}\n\n".encode()
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                begun = True
                self.begun_streams += b"data: " in piece
                if fault.kind == "cut" and not piece.endswith(b"\n"):
                    break
            await finish(writer)
        finally:
            self.open_streams -= 1

    async def _send_error(self, writer: Writer, fault: Fault) -> None:
        details: dict[str, Any] = {"code": fault.code} if fault.code else {}
        body = json.dumps(ERROR_BODY | details) if fault.code else "<html>An error of a proxy</html>"
        retry_after = "" if fault.retry_after is None else f"Retry-After: {fault.retry_after}\r\n"
        head = f"HTTP/1.1 {fault.kind} Status\r\nContent-Length: {len(body)}\r\n{retry_after}Connection: close\r\n\r\n"
        writer.write(head.encode() + body.encode())
        await finish(writer)


async def finish(writer: Writer) -> None:
    """Send what was written, before the connection is aborted."""
    await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def one_request(head: bytes) -> bytes:
    """Return the head of a request with `Connection: close`, so that the response ends with the connection."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"accept-encoding:"))]
    return b"\r\n".join((lines[0], b"Connection: close", *lines[1:]))


@asynccontextmanager
async def faulty_proxy() -> AsyncIterator[FaultyProxy]:
    """Run a proxy on a free port of the loopback."""
    proxy = FaultyProxy()
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        proxy.close_connections()
        await asyncio.sleep(0)


@define(eq=False)
class ThreadedProxy:
    """A proxy that runs in a thread, for tests that block."""

    proxy: FaultyProxy
    call_soon: Callable[[Callable[[], None]], object]

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Cut every connection, and forward nothing until the block ends."""
        target, self.proxy.target = self.proxy.target, None
        self.call_soon(self.proxy.close_connections)
        yield
        self.proxy.target = target


@contextmanager
def threaded_proxy(url: str) -> Iterator[ThreadedProxy]:
    """Run a proxy to the room at `url` in a thread."""
    with asyncio.Runner() as runner:
        loop, proxying = runner.get_loop(), faulty_proxy()
        proxy = runner.run(proxying.__aenter__())
        proxy.lead_to(url)
        thread = Thread(target=loop.run_forever)
        thread.start()
        try:
            yield ThreadedProxy(proxy, loop.call_soon_threadsafe)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            runner.run(proxying.__aexit__(None, None, None))
