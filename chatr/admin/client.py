"""Sends a request to a running node through its admin socket, and reads the replies."""

import asyncio
from collections.abc import AsyncGenerator
from socket import socket
from typing import Final

import msgspec

from chatr.admin.protocol import LARGEST_REPLY, BadRequest, bad_request_reply, parse_reply, request_line
from chatr.admin.replies import LAST, Failed, Reply
from chatr.admin.requests import AnyRequest

REPLY_TIMEOUT: Final = 30.0
"""Seconds until the next reply. A node sends one after each step, and no step takes as long."""
NO_REPLY: Final = Failed(
    f"The node did not reply within {REPLY_TIMEOUT:g} s: chatr log shows whether the command was carried out. If the "
    "node is starting, try again."
)
NODE_ENDED: Final = Failed("The node ended before it had replied: chatr log shows what was stored. Then try again.")
UNREADABLE_REPLY: Final = Failed("The node's reply cannot be read: use the same version of chatr as the node.")


async def replies_of_node(connection: socket, request: AnyRequest) -> AsyncGenerator[Reply]:
    """Send a request, and yield the replies as they come. The last one is End, Refused or Failed."""
    try:
        line = request_line(request)
    except BadRequest as error:
        connection.close()
        yield bad_request_reply(error)
        return
    # asyncio needs a non-blocking socket, and this one was connected with a time-out.
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LARGEST_REPLY)
    try:
        reply: Reply | None = None
        while not isinstance(reply, LAST):
            reply = await next_reply(reader, writer, line)
            line = b""
            yield reply
    finally:
        # Also if the command was interrupted: the node then stops after the present change.
        writer.transport.abort()


async def next_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> Reply:
    """Send a line, if there is one, and return the next reply, or Failed if none comes."""
    try:
        async with asyncio.timeout(REPLY_TIMEOUT):
            writer.write(line)
            await writer.drain()
            received = await reader.readline()
        # Half a line: the node ended while it replied.
        return parse_reply(received) if received.endswith(b"\n") else NODE_ENDED
    except TimeoutError:
        return NO_REPLY
    except OSError:
        return NODE_ENDED
    except (ValueError, msgspec.DecodeError):
        return UNREADABLE_REPLY
