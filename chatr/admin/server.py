"""Serves the admin socket of a node. A client that is stuck or sends garbage delays nobody but itself."""

import asyncio
import select
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from socket import socket
from typing import Final

import structlog
from attrs import field, frozen

from chatr.admin.execute import replies
from chatr.admin.operator import AdminNode
from chatr.admin.protocol import LARGEST_REQUEST, BadRequest, parse_request, refused, reply_line
from chatr.admin.replies import Failed, Reply

MOST_CONNECTIONS: Final = 32
"""Commands that are carried out at a time."""
REQUEST_TIMEOUT: Final = 10.0
"""Seconds within which a request must have arrived."""
WRITE_TIMEOUT: Final = 10.0
"""Seconds for which a client may take nothing, until its command is given up."""
REFUSED_FOR: Final = 1.0
"""Seconds that a client which is turned away has to read why."""
BUSY: Final = Failed(f"{MOST_CONNECTIONS} commands are carried out at the moment: try again.")
BROKEN: Final = Failed("The node met an error that it does not know: look at its output.")

logger = structlog.get_logger()


@asynccontextmanager
async def serving_operators(listening: socket | None, at: AdminNode) -> AsyncIterator[None]:
    """Carry out the requests that come through a listening socket, if there is one, while the block runs.

    At its end commands in progress are given up: what they have stored stays. Their clients are disconnected.
    """
    if listening is None:
        yield
        return
    connections = Connections(at)
    server = await asyncio.start_unix_server(connections.accept, sock=listening, limit=LARGEST_REQUEST)
    try:
        yield
    finally:
        # First no new connections, or one could be accepted after the others were ended.
        server.close()
        await connections.close()


@frozen
class Connections:
    """The clients that are connected, and those that are turned away, with a task for each."""

    at: AdminNode
    # Held here, because the event loop refers to its tasks weakly; in dicts, which have an order unlike sets.
    tasks: dict[asyncio.Task[None], None] = field(factory=dict, init=False)
    refused: dict[asyncio.Task[None], None] = field(factory=dict, init=False)

    def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Start to serve a client, or to turn it away."""
        is_full = len(self.tasks) >= MOST_CONNECTIONS
        tasks = self.refused if is_full else self.tasks
        task = asyncio.create_task(turn_away(reader, writer) if is_full else serve(reader, writer, self.at))
        tasks[task] = None
        task.add_done_callback(tasks.pop)

    async def close(self) -> None:
        """Disconnect all clients."""
        tasks = self.tasks | self.refused
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def turn_away(reader: StreamReader, writer: StreamWriter) -> None:
    """Tell a client that there are too many, and disconnect it once it has read that."""
    try:
        with suppress(OSError):
            writer.write(reply_line(BUSY))
            writer.write_eof()
            # Closed before its command has come, the connection would give it an error, and the reply would be lost.
            async with asyncio.timeout(REFUSED_FOR):
                while await reader.read(LARGEST_REQUEST):
                    pass
    finally:
        writer.transport.abort()


async def serve(reader: StreamReader, writer: StreamWriter, at: AdminNode) -> None:
    """Read the request of a client, carry it out, and disconnect."""
    try:
        # A client that has gone needs no reply, and one that is stuck gets no more.
        with suppress(OSError):
            await respond(reader, writer, at)
            writer.close()
            async with asyncio.timeout(WRITE_TIMEOUT):
                await writer.wait_closed()
    finally:
        # Whatever was not taken is dropped, or the connection would stay open for ever.
        writer.transport.abort()


async def respond(reader: StreamReader, writer: StreamWriter, at: AdminNode) -> None:
    """Send the replies to the request of a client. Raises OSError, also if the client takes nothing."""
    try:
        request = parse_request(await read_line(reader))
        # It may have waited in the socket while the node read its log, until its operator was told that it failed.
        if writer.is_closing() or has_gone(writer):
            return
        async with aclosing(replies(at, request)) as results:
            async for reply in results:
                await send(writer, reply)
    except BadRequest as error:
        await send(writer, refused(error))
    except OSError:
        raise
    except Exception:
        # It must reach the operator of the node, who may not be this one.
        logger.exception("admin_command_failed")
        await send(writer, BROKEN)


def has_gone(writer: StreamWriter) -> bool:
    """Whether the client has disconnected. One that only sends nothing more has not."""
    poll = select.poll()
    # No events but the end of both directions, which is always reported.
    poll.register(writer.get_extra_info("socket"), 0)
    return bool(poll.poll(0))


async def read_line(reader: StreamReader) -> bytes:
    """Return the line that a client sends. Raises BadRequest or OSError, also if it takes too long."""
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT):
            return await reader.readline()
    except ValueError as error:
        raise BadRequest(f"A command has at most {LARGEST_REQUEST:,} bytes in one line.") from error


async def send(writer: StreamWriter, reply: Reply) -> None:
    """Send a reply. Raises OSError if the client has gone or takes nothing."""
    writer.write(reply_line(reply))
    async with asyncio.timeout(WRITE_TIMEOUT):
        await writer.drain()
