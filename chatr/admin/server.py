"""Serves the admin socket of a node. A client that hangs or sends garbage delays nobody but itself."""

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
from chatr.admin.protocol import LARGEST_REQUEST, BadRequest, bad_request_reply, parse_request, reply_line
from chatr.admin.replies import Failed, Reply

MOST_CONNECTIONS: Final = 32
"""At most this many commands are carried out at a time."""
REQUEST_TIMEOUT: Final = 10.0
"""Seconds within which a request must have arrived."""
WRITE_TIMEOUT: Final = 10.0
"""Seconds without reading anything after which a client's command is cancelled."""
REJECTION_TIMEOUT: Final = 1.0
"""Seconds that a client has to read why it was rejected."""
BUSY: Final = Failed(f"{MOST_CONNECTIONS} commands are carried out at the moment: try again.")
UNEXPECTED_ERROR: Final = Failed("The node failed with an unexpected error: see admin_command_failed in its log lines.")

logger = structlog.get_logger()


@asynccontextmanager
async def serving_operators(listening: socket | None, admin_node: AdminNode) -> AsyncIterator[None]:
    """Carry out the requests that come through a listening socket, if there is one, while the block runs.

    At its end commands in progress are cancelled: what they have stored stays. Their clients are disconnected.
    """
    if listening is None:
        yield
        return
    connections = Connections(admin_node)
    server = await asyncio.start_unix_server(connections.accept, sock=listening, limit=LARGEST_REQUEST)
    try:
        yield
    finally:
        # First no new connections, or one could be accepted after the others were ended.
        server.close()
        await connections.close()


@frozen
class Connections:
    """The tasks of the clients that are served, and of those that are rejected because there are too many."""

    admin_node: AdminNode
    # Held here, because the event loop refers to its tasks weakly. Dicts as ordered sets: `close` cancels the tasks in
    # the same order in each run, or the simulation could not repeat a run exactly.
    served: dict[asyncio.Task[None], None] = field(factory=dict, init=False)
    rejected: dict[asyncio.Task[None], None] = field(factory=dict, init=False)

    def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Start a task that serves a client or rejects it."""
        is_full = len(self.served) >= MOST_CONNECTIONS
        tasks = self.rejected if is_full else self.served
        task = asyncio.create_task(reject_busy(reader, writer) if is_full else serve(reader, writer, self.admin_node))
        tasks[task] = None
        task.add_done_callback(tasks.pop)

    async def close(self) -> None:
        """Disconnect all clients."""
        tasks = self.served | self.rejected
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def reject_busy(reader: StreamReader, writer: StreamWriter) -> None:
    """Tell a client that there are too many, and disconnect it once it has read that."""
    try:
        with suppress(OSError):
            writer.write(reply_line(BUSY))
            writer.write_eof()
            # Closing a socket with unread input resets it, and the client would lose this reply. So read what it
            # sends until it disconnects.
            async with asyncio.timeout(REJECTION_TIMEOUT):
                while await reader.read(LARGEST_REQUEST):
                    pass
    finally:
        writer.transport.abort()


async def serve(reader: StreamReader, writer: StreamWriter, admin_node: AdminNode) -> None:
    """Read the request of a client, carry it out, and disconnect."""
    try:
        # OSError, which TimeoutError is too: the client has disconnected, or reads nothing. It gets no other reply.
        with suppress(OSError):
            await respond(reader, writer, admin_node)
            writer.close()
            async with asyncio.timeout(WRITE_TIMEOUT):
                await writer.wait_closed()
    finally:
        # `close` waits until the client has read everything: without `abort` the connection could stay open for ever.
        writer.transport.abort()


async def respond(reader: StreamReader, writer: StreamWriter, admin_node: AdminNode) -> None:
    """Send the replies to the request of a client. Raises OSError, also if the client reads nothing."""
    try:
        request = parse_request(await read_line(reader))
        # While the node starts, requests wait in the socket. The client of an old one has timed out and reported a
        # failure, so the request must not be carried out now.
        if writer.is_closing() or has_gone(writer):
            return
        async with aclosing(replies(admin_node, request)) as results:
            async for reply in results:
                await send(writer, reply)
    except BadRequest as error:
        await send(writer, bad_request_reply(error))
    except OSError:
        raise
    except Exception:
        # Logged, not only sent: whoever runs the node need not be the operator who sent the command.
        logger.exception("admin_command_failed")
        await send(writer, UNEXPECTED_ERROR)


def has_gone(writer: StreamWriter) -> bool:
    """Whether the client has disconnected. False if it has only closed its side for writing."""
    poll = select.poll()
    # Event mask 0: poll still reports POLLHUP, which means that both directions are closed.
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
    """Send a reply. Raises OSError if the client has disconnected or reads nothing."""
    writer.write(reply_line(reply))
    async with asyncio.timeout(WRITE_TIMEOUT):
        await writer.drain()
