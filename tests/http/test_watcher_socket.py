"""Writing past the transport: bytes stay in order with those in the transport, and never reach another connection."""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.stream.chunks import encode_frames
from chatr.adapters.http.stream.evictions import STALLED
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.watcher import Watcher

EVENT_LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
SEND_BUFFER = 4_096
"""Bytes that the kernel holds for the watcher, or somewhat more."""

on_both_loops = pytest.mark.parametrize("make_loop", EVENT_LOOPS, ids=["asyncio", "uvloop"])
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


def run(make_loop: MakeLoop, coroutine: Coroutine[Any, Any, None]) -> None:
    """Run the coroutine on a loop of that kind."""
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(coroutine)


async def connected(
    hub: Hub, on_lost: Callable[[int], None] = lambda _descriptor: None
) -> tuple[socket.socket, Watcher]:
    """Return the client's end of a connection, and a watcher at the server's."""
    server, client = socket.socketpair()
    for end in (server, client):
        end.setblocking(False)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=server)
    descriptor = server.fileno()
    watcher = Watcher(hub, transport, lambda: on_lost(descriptor), chunked=False)
    transport.set_protocol(watcher)
    return client, watcher


async def all_left(hub: Hub) -> None:
    """Wait until the hub has no watcher."""
    async with asyncio.timeout(10):
        while len(hub):  # noqa: ASYNC110 -- a hub has no event for that
            await asyncio.sleep(0)


@on_both_loops
@given(steps=st.lists(st.integers(-3 * SEND_BUFFER, 3 * SEND_BUFFER), max_size=12))
def test_all_bytes_arrive_in_order(make_loop: MakeLoop, steps: list[int]) -> None:
    """However much is written (n > 0) and read (n < 0) at a time: every byte arrives once, and in order."""

    async def write_and_read() -> None:
        hub, loop = Hub(), asyncio.get_running_loop()
        client, watcher = await connected(hub)
        hub.join(watcher, b"backlog")
        written, received = bytearray(b"backlog"), bytearray()
        for number, size in enumerate(steps):
            if size > 0:
                written += bytes([number]) * size
                watcher.write(encode_frames(bytes([number]) * size))
            elif len(received) < len(written):
                received += await loop.sock_recv(client, -size or 1)
        watcher.end(encode_frames(b"closing"))
        while more := await loop.sock_recv(client, 1 << 20):
            received += more
        client.close()
        await all_left(hub)

        assert received == written + b"closing"

    run(make_loop, write_and_read())


def client_leaves(_watcher: Watcher) -> None:
    """The client closes its end, and nothing else happens."""


def is_dropped(watcher: Watcher) -> None:
    """The hub drops the watcher."""
    watcher.abort(STALLED)


def is_ended(watcher: Watcher) -> None:
    """The server ends the stream."""
    watcher.end(encode_frames(b"closing"))


def takes_too_little(watcher: Watcher) -> None:
    """Something still waits when the connection ends."""
    watcher.write(encode_frames(bytes(16 * SEND_BUFFER)))


@on_both_loops
@pytest.mark.parametrize("end", [client_leaves, is_dropped, is_ended, takes_too_little])
def test_nothing_is_written_to_the_descriptor_of_a_lost_connection(
    make_loop: MakeLoop, end: Callable[[Watcher], None], tmp_path: Path
) -> None:
    """A loop keeps a connection's descriptor open until it has reported the loss. The kernel may give its number to
    another file then, and nothing is written to that.
    """

    async def write_after_loss() -> None:
        hub, open_when_lost = Hub(), list[int]()
        client, watcher = await connected(hub, lambda number: open_when_lost.extend([number] * bool(os.fstat(number))))
        hub.join(watcher, b"backlog")
        end(watcher)
        client.close()
        await all_left(hub)
        await asyncio.sleep(0)
        (number,) = open_when_lost
        another = os.open(tmp_path / "another", os.O_CREAT | os.O_WRONLY)
        if another != number:
            os.dup2(another, number)
            os.close(another)
        watcher.write(encode_frames(b"not for you"))
        size = os.fstat(number).st_size
        os.close(number)

        assert size == 0

    run(make_loop, write_after_loss())
