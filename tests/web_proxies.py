"""A proxy for outgoing requests, which passes them on or refuses them."""

import asyncio
from base64 import b64encode
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

HEAD_END: Final = b"\r\n\r\n"
VARIABLES: Final = tuple(
    variant for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for variant in (name, name.upper())
)


class FakeProxy:
    """Runs on a free port of the loopback while its block runs. All hosts lead to `target`, a port of the loopback.

    With `user`, it wants that user and password, as USER:PASSWORD. With a `status`, it answers with that.
    """

    def __init__(self, target: int, user: str = "", status: int = 200) -> None:
        self.lines: list[str] = []
        """The first lines of the requests."""
        self.heads: list[str] = []
        """The heads of the requests."""
        self._target = target
        self._status = status
        self._expected = f"basic {b64encode(user.encode()).decode()}" if user else ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._pass_on(reader, writer)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(HEAD_END)).decode("latin-1")
        self.heads.append(head)
        self.lines.append(head.partition("\r\n")[0])
        allowed = not self._expected or f"proxy-authorization: {self._expected.lower()}" in head.lower()
        status = self._status if allowed else 407
        if status != 200:
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        method, url, _ = head.split(" ", 2)
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                path = urlsplit(url)._replace(scheme="", netloc="").geturl()
                back.write(head.replace(url, path, 1).encode("latin-1"))
            await asyncio.gather(copied(reader, back), copied(there, writer))
        finally:
            back.close()


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy what comes until the end."""
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.write_eof() if writer.can_write_eof() else None
