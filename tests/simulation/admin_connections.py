"""Connections to the admin socket of a node, without a socket: lines go to the real server and come from it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from socket import socket
from typing import cast

from attrs import define, field

from chatr.admin.operator import AdminNode
from chatr.admin.protocol import LARGEST_REQUEST, parse_reply, request_line
from chatr.admin.replies import LAST, Reply
from chatr.admin.requests import AnyRequest
from chatr.admin.server import Connections
from tests.simulation.loop import LIFETIME
from tests.simulation.process import Process


@asynccontextmanager
async def serving_operators(_listening: socket | None, admin_node: AdminNode) -> AsyncIterator[None]:
    """Stands for `chatr.admin.server.serving_operators`: serves those who connect to this process."""
    lifetime, connections = LIFETIME.get(), Connections(admin_node)
    lifetime.accept_operator = connections.accept
    try:
        yield
    finally:
        lifetime.accept_operator = None
        await connections.close()


@define(eq=False)
class NodeEnd:
    """The node's end of a connection: stands for a `StreamWriter` and its transport. None is the end of the replies."""

    lines: "asyncio.Queue[bytes | None]" = field(factory=asyncio.Queue)
    closed: bool = False

    @property
    def transport(self) -> "NodeEnd":
        """What `abort` is called on."""
        return self

    def write(self, data: bytes) -> None:
        """Send a line."""
        if not self.closed:
            self.lines.put_nowait(data)

    def write_eof(self) -> None:
        """Do nothing: the last reply says that it is the last one."""

    def is_closing(self) -> bool:
        """Whether the connection is closed."""
        return self.closed

    async def drain(self) -> None:
        """Wait until the other end has taken the lines. Raises ConnectionResetError if it has gone."""
        await asyncio.sleep(0)
        if self.closed:
            raise ConnectionResetError

    def close(self) -> None:
        """Close the connection, from whichever side."""
        if not self.closed:
            self.closed = True
            self.lines.put_nowait(None)

    async def wait_closed(self) -> None:
        """Do nothing: it is closed at once."""

    def abort(self) -> None:
        """Close the connection."""
        self.close()


async def replies_of_process(process: Process, request: AnyRequest) -> AsyncGenerator[Reply]:
    """Send a request to a node, and yield its replies until the last one, or until the connection is lost.

    A caller that stops before that must close the iterator, which closes the connection.
    """
    end, reader = NodeEnd(), asyncio.StreamReader(LARGEST_REQUEST)
    if not process.accept_operator(reader, cast("asyncio.StreamWriter", end)):
        return
    reader.feed_data(request_line(request))
    try:
        while (line := await end.lines.get()) is not None:
            yield (reply := parse_reply(line))
            if isinstance(reply, LAST):
                return
    finally:
        end.close()
