"""Sends a request to a running node through its admin socket, and reads the replies."""

import asyncio
from collections.abc import AsyncGenerator
from socket import socket
from typing import Final

import msgspec

from chatr.admin.protocol import LARGEST_REPLY, BadRequest, parse_reply, refused, request_line
from chatr.admin.replies import LAST, Failed, Reply
from chatr.admin.requests import AnyRequest

REPLY_TIMEOUT: Final = 30.0
"""Seconds until the next reply. A node sends one after each step, and no step takes as long."""
SILENT: Final = Failed(
    f"The node did not reply within {REPLY_TIMEOUT:g} s: see with chatr log whether it did so later. If it is "
    "starting, try again."
)
GONE: Final = Failed("The node ended before it had replied: look with chatr log what was stored, and try again.")
STRANGE: Final = Failed("The node's reply cannot be read: use chatr of its version.")


async def replies_of_node(connection: socket, request: AnyRequest) -> AsyncGenerator[Reply]:
    """Send a request, and yield the replies as they come. The last one is End, Refused or Failed."""
    try:
        line = request_line(request)
    except BadRequest as error:
        connection.close()
        yield refused(error)
        return
    # It was connected with a time-out, which makes a socket unfit for the event loop.
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LARGEST_REPLY)
    try:
        reply: Reply | None = None
        while not isinstance(reply, LAST):
            reply = await next_reply(reader, writer, line)
            line = b""
            yield reply
    finally:
        # Also where the command was interrupted: the node then stops between two changes.
        writer.transport.abort()


async def next_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> Reply:
    """Send a line, if there is one, and return the next reply, or Failed if none comes."""
    try:
        async with asyncio.timeout(REPLY_TIMEOUT):
            writer.write(line)
            await writer.drain()
            received = await reader.readline()
        # A node that ends in the middle of a line has not said what it did.
        return parse_reply(received) if received.endswith(b"\n") else GONE
    except TimeoutError:
        return SILENT
    except OSError:
        return GONE
    except (ValueError, msgspec.DecodeError):
        return STRANGE
