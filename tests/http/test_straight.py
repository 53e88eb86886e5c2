"""Frames go to the kernel past the transport: in order with what the transport holds, and never to somebody else."""

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

from chatr.hub import Hub
from chatr.watcher import Watcher, chunk

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
SMALL = 4_096
"""Bytes that the kernel keeps for the watcher, or somewhat more."""

on_both_loops = pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


def run(make_loop: MakeLoop, scene: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(scene)


async def connected(hub: Hub, when_lost: Callable[[int], None] = lambda _file: None) -> tuple[socket.socket, Watcher]:
    """The far end of a connection, and a watcher at the near one."""
    near, far = socket.socketpair()
    for end in (near, far):
        end.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    file = near.fileno()
    watcher = Watcher(hub, transport, lambda: when_lost(file), framed=False)
    transport.set_protocol(watcher)
    return far, watcher


async def lost(hub: Hub) -> None:
    async with asyncio.timeout(10):
        while len(hub):  # noqa: ASYNC110 -- a hub has no event for that
            await asyncio.sleep(0)


@on_both_loops
@given(steps=st.lists(st.integers(-3 * SMALL, 3 * SMALL), max_size=12))
def test_all_is_seen_in_order(make_loop: MakeLoop, steps: list[int]) -> None:
    """However much is written (n > 0) and taken (n < 0) at a time: every byte arrives once, and in its place."""

    async def scene() -> None:
        hub, loop = Hub(), asyncio.get_running_loop()
        far, watcher = await connected(hub)
        hub.join(watcher, b"backlog")
        said, seen = bytearray(b"backlog"), bytearray()
        for number, size in enumerate(steps):
            if size > 0:
                said += bytes([number]) * size
                watcher.write(chunk(bytes([number]) * size))
            elif len(seen) < len(said):
                seen += await loop.sock_recv(far, -size or 1)
        watcher.end(chunk(b"farewell"))
        while more := await loop.sock_recv(far, 1 << 20):
            seen += more
        far.close()
        await lost(hub)

        assert seen == said + b"farewell"

    run(make_loop, scene())


def leaves(_watcher: Watcher) -> None:
    """The far end is closed, and that is all."""


def is_cut(watcher: Watcher) -> None:
    watcher.cut()


def ends(watcher: Watcher) -> None:
    watcher.end(chunk(b"farewell"))


def takes_too_little(watcher: Watcher) -> None:
    watcher.write(chunk(bytes(16 * SMALL)))


@on_both_loops
@pytest.mark.parametrize("leave", [leaves, is_cut, ends, takes_too_little])
def test_a_lost_connection_s_file_is_left_alone(
    make_loop: MakeLoop, leave: Callable[[Watcher], None], tmp_path: Path
) -> None:
    """A loop keeps a connection's file until it has told of the loss. Another may get its number then, and nothing is
    written to that.
    """

    async def scene() -> None:
        hub, kept = Hub(), list[int]()
        far, watcher = await connected(hub, lambda file: kept.extend([file] * bool(os.fstat(file))))
        hub.join(watcher, b"backlog")
        leave(watcher)
        far.close()
        await lost(hub)
        await asyncio.sleep(0)
        (number,) = kept
        another = os.open(tmp_path / "another", os.O_CREAT | os.O_WRONLY)
        if another != number:
            os.dup2(another, number)
            os.close(another)
        watcher.write(chunk(b"not for you"))
        written = os.fstat(number).st_size
        os.close(number)

        assert written == 0

    run(make_loop, scene())
