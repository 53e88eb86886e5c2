"""The hub without a network: which watcher is written what, in which pieces, and how streams end."""

import asyncio
from collections.abc import Callable
from itertools import count, pairwise

from structlog.testing import capture_logs

from chatr.adapters.http.stream.chunks import LAST_CHUNK
from chatr.adapters.http.stream.few_per_iteration import WATCHERS_PER_ITERATION
from chatr.adapters.http.stream.hub import COMMENT, Hub
from tests.wire import joined, publish_now


async def test_frames_published_together_are_written_in_one_piece() -> None:
    """They cost one write, and keep their order."""
    hub = Hub()
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    hub.publish([b"three"])
    hub.flush()
    publish_now(hub, b"four")

    assert wire.pieces == [b"backlog", b"onetwothree", b"four"]


async def test_frames_are_written_in_the_next_loop_iteration() -> None:
    """They do not wait for a timer."""
    hub = Hub()
    wire, _ = joined(hub)
    written = asyncio.get_running_loop().create_future()
    hub.publish([b"one"])
    asyncio.get_running_loop().call_soon(lambda: written.set_result(wire.pieces[1:]))

    assert await written == [b"one"]


async def test_a_new_watcher_does_not_get_frames_that_its_backlog_contains() -> None:
    """Frames that wait to be written are part of a new watcher's backlog; only the others get them."""
    hub = Hub()
    old, _ = joined(hub)
    hub.publish([b"one"])
    new, _ = joined(hub, b"backlog with one")
    publish_now(hub, b"two")

    assert old.pieces == [b"backlog", b"one", b"two"]
    assert new.pieces == [b"backlog with one", b"two"]


async def test_frames_are_chunked_for_http_1_1_only() -> None:
    """A watcher of HTTP/1.1 gets chunks, one of HTTP/1.0 the plain frames."""
    hub = Hub()
    plain, _ = joined(hub)
    chunked, _ = joined(hub, chunked=True)
    publish_now(hub, b"data: 0123456789\n\n")

    assert plain.pieces == [b"backlog", b"data: 0123456789\n\n"]
    assert chunked.pieces == [b"7\r\nbacklog\r\n", b"12\r\ndata: 0123456789\n\n\r\n"]


async def test_presence_frames_reach_only_watchers_that_want_them() -> None:
    """They come after the frames for all watchers."""
    hub = Hub()
    plain, _ = joined(hub)
    presence, _ = joined(hub, wants_presence=True)
    hub.publish_presence([b"presence"])
    hub.publish([b"one", b"two"])
    hub.flush()
    hub.publish_presence([b"more presence"])
    hub.flush()

    assert plain.pieces == [b"backlog", b"onetwo"]
    assert presence.pieces == [b"backlog", b"onetwo", b"presence", b"more presence"]


async def test_presence_frames_are_written_in_the_next_loop_iteration() -> None:
    """They do not wait for a frame for all watchers."""
    hub = Hub()
    presence, _ = joined(hub, wants_presence=True)
    hub.publish_presence([b"presence"])
    await asyncio.sleep(0)

    assert presence.pieces == [b"backlog", b"presence"]


async def test_presence_frames_do_not_delay_comments() -> None:
    """A watcher that gets no presence frames still gets a comment after a silence."""
    hub = Hub(comment_interval=0.2)
    plain, _ = joined(hub)
    joined(hub, wants_presence=True)
    publish_now(hub, b"one")
    async with asyncio.timeout(10):
        while COMMENT not in plain.pieces:
            hub.publish_presence([b"presence"])
            await asyncio.sleep(0)
            hub.flush()
            await hub.tick()

    assert plain.pieces == [b"backlog", b"one", COMMENT]


async def test_a_watcher_that_left_wants_no_presence() -> None:
    """Once the last one has left, presence need not be compared any more."""
    hub = Hub()
    _, watcher = joined(hub, wants_presence=True)
    before = hub.has_presence_watchers
    watcher.connection_lost(None)

    assert (before, hub.has_presence_watchers) == (True, False)


async def test_publishing_no_frames_writes_nothing() -> None:
    """An empty chunk would end the stream."""
    hub = Hub()
    wire, _ = joined(hub, chunked=True)
    publish_now(hub)

    assert wire.pieces == [b"7\r\nbacklog\r\n"]


async def test_a_comment_follows_a_silence() -> None:
    """When nothing was written for the comment interval, all watchers get a comment."""
    hub = Hub(comment_interval=0)
    wire, _ = joined(hub)
    await hub.tick()
    hub.flush()

    assert wire.pieces == [b"backlog", COMMENT]


async def test_no_comment_follows_a_recent_frame() -> None:
    """The comment interval begins with each frame."""
    hub = Hub(comment_interval=3600)
    wire, _ = joined(hub)
    publish_now(hub, b"one")
    await hub.tick()
    hub.flush()

    assert wire.pieces == [b"backlog", b"one"]


async def test_closing_writes_a_last_frame_to_each_watcher() -> None:
    """Each watcher gets what is pending, then a frame of its own, and with HTTP/1.1 the last chunk."""
    hub, numbers = Hub(), count(1)
    plain, _ = joined(hub)
    chunked, _ = joined(hub, chunked=True)
    hub.publish([b"last"])
    await hub.close(lambda: b"closing %d" % next(numbers), timeout=0)

    assert plain.pieces == [b"backlog", b"last", b"closing 1"]
    assert chunked.pieces[1:] == [b"4\r\nlast\r\n", b"9\r\nclosing 2\r\n", LAST_CHUNK]
    assert (plain.closed, chunked.closed) == (True, True)


async def test_closing_waits_for_the_last_watcher() -> None:
    """The hub is closed when the last connection has ended, not earlier and not later."""
    hub = Hub()
    watchers = [joined(hub)[1] for _ in range(3)]
    closing = asyncio.create_task(hub.close(lambda: b"closing", timeout=60))
    closed = []
    for watcher in watchers:
        done, _ = await asyncio.wait([closing], timeout=0)
        closed.append(bool(done))
        watcher.connection_lost(None)
    async with asyncio.timeout(1):
        await closing

    assert closed == [False] * 3


async def test_closing_drops_watchers_after_the_timeout() -> None:
    """A watcher that has not taken its last frame in time is dropped."""
    hub = Hub()
    wire, _ = joined(hub)
    await hub.close(lambda: b"closing", timeout=0)

    assert wire.aborted


async def test_a_hub_without_watchers_closes_at_once() -> None:
    """There is nothing to wait for."""
    async with asyncio.timeout(1):
        await Hub().close(lambda: b"closing", timeout=60)


async def test_all_watchers_can_be_dropped() -> None:
    """When the log was replaced, all watchers have to reconnect and learn whether their ids are still valid."""
    hub = Hub()
    wires = [joined(hub)[0] for _ in range(3)]
    hub.drop_all()

    assert [wire.aborted for wire in wires] == [True] * 3


async def test_dropped_watchers_are_forgotten_at_once() -> None:
    """Their connections are lost only in a later loop iteration; a watcher that joins before then is the first."""
    hub = Hub()
    joined(hub)
    joined(hub, wants_presence=True)
    hub.drop_all()

    assert (len(hub), hub.has_presence_watchers) == (0, False)


async def test_many_watchers_are_dropped_in_turns() -> None:
    """However many there are, an iteration of the loop aborts a bounded number of connections."""
    hub = Hub()
    wires = [joined(hub)[0] for _ in range(2 * WATCHERS_PER_ITERATION + 1)]
    hub.drop_all()
    aborted = await counted_in_iterations(lambda: sum(wire.aborted for wire in wires))

    assert aborted[:3] == [WATCHERS_PER_ITERATION, 2 * WATCHERS_PER_ITERATION, 2 * WATCHERS_PER_ITERATION + 1]


async def test_dropped_watchers_are_one_log_line() -> None:
    """It has their number. No watchers are no line."""
    hub = Hub()
    with capture_logs() as logs:
        hub.drop_all()
        for _ in range(3):
            joined(hub)
        hub.drop_all()

    assert [(line["event"], line["count"]) for line in logs] == [("watchers_dropped", 3)]


async def test_many_stalled_watchers_are_dropped_in_turns() -> None:
    """A network that fails stalls all watchers at once."""
    hub = Hub(stall_timeout=0)
    wires = [joined(hub)[0] for _ in range(2 * WATCHERS_PER_ITERATION + 1)]
    ticking = asyncio.create_task(hub.tick())
    aborted = await counted_in_iterations(lambda: sum(wire.aborted for wire in wires))
    await ticking

    assert max(later - earlier for earlier, later in pairwise([0, *aborted])) == WATCHERS_PER_ITERATION
    assert aborted[-1] == len(wires)


async def test_many_streams_are_ended_in_turns() -> None:
    """A server that stops still answers what is waiting, while it ends the streams."""
    hub = Hub()
    wires = [joined(hub)[0] for _ in range(2 * WATCHERS_PER_ITERATION + 1)]
    closing = asyncio.create_task(hub.close(lambda: b"closing", timeout=0))
    ended = await counted_in_iterations(lambda: sum(wire.closed for wire in wires))
    await closing

    assert max(later - earlier for earlier, later in pairwise([0, *ended])) == WATCHERS_PER_ITERATION
    assert ended[-1] == len(wires)


async def test_a_watcher_that_is_dropped_while_others_are_ended_is_not_written_to() -> None:
    """Its connection is aborted between two turns."""
    hub = Hub()
    last, _ = [joined(hub) for _ in range(WATCHERS_PER_ITERATION + 1)][-1]
    closing = asyncio.create_task(hub.close(lambda: b"closing", timeout=0))
    await asyncio.sleep(0)
    hub.drop_all()
    await closing

    assert last.pieces == [b"backlog"]


async def counted_in_iterations(count: Callable[[], int]) -> list[int]:
    """Return the count now, and after each of the next iterations of the loop."""
    counts = [count()]
    for _ in range(8):
        await asyncio.sleep(0)
        counts.append(count())
    return counts
