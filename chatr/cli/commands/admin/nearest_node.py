"""Finds the node for an operator's command: a running one by its socket, or one that is started for the command."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from socket import socket
from typing import Final

from chatr.adapters.stores.sqlite.lock import LogInUse
from chatr.adapters.stores.urls import admin_socket, sqlite_file
from chatr.admin.client import replies_of_node
from chatr.admin.execute import replies
from chatr.admin.operator import AdminNode
from chatr.admin.replies import Reply
from chatr.admin.requests import AnyRequest
from chatr.admin.socket_file import connected_socket
from chatr.cli.commands.admin.short_lived_node import short_lived_node
from chatr.secret import Secret

WAIT_FOR_LOG: Final = 5.0
"""Seconds to wait for a log that is in use, such as by the command of another operator."""
RETRY_PAUSE: Final = 0.1


async def replies_to(request: AnyRequest, log_url: Secret, socket_setting: str | None) -> AsyncGenerator[Reply]:
    """Carry out a request on the node that listens at its socket, or else on one of this process; yield the replies.

    Raises CannotReachNode or CannotOpenLog.
    """
    path = admin_socket(log_url, socket_setting)
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(nearest_node(log_url, path))
        results = replies_of_node(node, request) if isinstance(node, socket) else replies(node, request)
        async for reply in await stack.enter_async_context(aclosing(results)):
            yield reply


@asynccontextmanager
async def nearest_node(log_url: Secret, path: Path | None) -> AsyncIterator[socket | AdminNode]:
    """Yield a connection to the node that listens at `path`, or a node of this process. Raises as `replies_to`."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + WAIT_FOR_LOG
    async with AsyncExitStack() as stack:
        node: socket | AdminNode | None = None
        while node is None:
            node = connected_socket(path) if path else None
            try:
                node = node or await stack.enter_async_context(short_lived_node(log_url))
            except LogInUse as error:
                # It may be another operator's command, which ends soon, or a node that opens its socket in a moment.
                if loop.time() > give_up_at:
                    raise in_use(log_url, path) from error
                await asyncio.sleep(RETRY_PAUSE)
        yield node


def in_use(log_url: Secret, path: Path | None) -> LogInUse:
    """The error that a log is in use, and no node was found at `path`."""
    found = f"no node listens at {path}" if path else "the socket of its node is not to be used"
    return LogInUse(
        f"Another process writes to {sqlite_file(log_url)}, and {found}: "
        "give the path of its socket to --admin-socket, wait for it, or stop it."
    )
