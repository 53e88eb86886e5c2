"""One watcher without a network: how much may wait for it, how long, and when it is dropped."""

from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.stream.chunks import encode_frames
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.watcher import MAX_WAITING_BYTES, Watcher
from tests.wire import Wire, joined, publish_now


async def test_a_watcher_is_dropped_when_more_than_1_mib_waits() -> None:
    """With exactly 1 MiB of live frames waiting it stays; with one byte more it is dropped."""
    hub = Hub()
    wire, _ = joined(hub)
    wire.take()
    publish_now(hub, bytes(1024 * 1024))
    dropped_at_limit = wire.aborted
    publish_now(hub, b".")

    assert (dropped_at_limit, wire.aborted) == (False, True)


async def test_the_backlog_does_not_count() -> None:
    """It may wait beside 1 MiB of live frames."""
    hub = Hub()
    wire, _ = joined(hub, bytes(2 * MAX_WAITING_BYTES))
    publish_now(hub, bytes(MAX_WAITING_BYTES))
    dropped_at_limit = wire.aborted
    publish_now(hub, b".")

    assert (dropped_at_limit, wire.aborted) == (False, True)


@given(
    st.integers(0, 2 * MAX_WAITING_BYTES),
    st.lists(st.tuples(st.integers(1, MAX_WAITING_BYTES // 2), st.integers(0, MAX_WAITING_BYTES // 2))),
)
async def test_only_live_frames_that_wait_count(backlog: int, steps: list[tuple[int, int]]) -> None:
    """However fast a watcher takes its bytes: it is dropped exactly when more than 1 MiB of live frames wait for it."""
    hub = Hub()
    wire, _ = joined(hub, b"." * backlog)
    before, live = backlog, 0
    for written, taken in steps:
        publish_now(hub, bytes(written))
        live += written

        assert wire.aborted == (live > MAX_WAITING_BYTES)

        if wire.aborted:
            break
        wire.take(taken)
        before, live = max(0, before - taken), live - min(live, max(0, taken - before))


async def test_dropping_a_watcher_does_not_affect_others() -> None:
    """They get every frame, also the one that was too much for the dropped watcher."""
    hub = Hub()
    slow, _ = joined(hub)
    quick, _ = joined(hub)
    for piece in (bytes(MAX_WAITING_BYTES), b"one", b"two"):
        publish_now(hub, piece)
        quick.take()

    assert (slow.aborted, slow.pieces[1:]) == (True, [bytes(MAX_WAITING_BYTES), b"one"])
    assert (quick.aborted, quick.pieces[1:]) == (False, [bytes(MAX_WAITING_BYTES), b"one", b"two"])


async def test_nothing_is_written_to_a_closing_connection() -> None:
    """Between the end of a connection and its loss uvloop would raise."""
    hub = Hub()
    wire, watcher = joined(hub)
    wire.close()
    publish_now(hub, b"one")
    watcher.end(encode_frames(b"closing"))

    assert wire.pieces == [b"backlog"]


async def test_a_lost_connection_leaves_the_hub_and_frees_its_slot() -> None:
    """The watcher leaves the hub and calls `on_lost`."""
    hub, slots = Hub(), ["a slot"]
    watcher = Watcher(hub, Wire(), slots.clear, chunked=True)
    hub.join(watcher, b"backlog")
    watcher.connection_lost(None)

    assert (len(hub), slots) == (0, [])


async def test_a_watcher_that_takes_nothing_is_stalled() -> None:
    """Something has waited for the whole time-out, and none of it was taken."""
    _, watcher = joined(Hub())

    assert [watcher.is_stalled(now, 30.0) for now in (1.0, 30.9, 31.0)] == [False, False, True]


async def test_a_watcher_that_takes_a_little_is_not_stalled() -> None:
    """A slow watcher stays as long as it takes anything."""
    wire, watcher = joined(Hub())
    stalled = []
    for now in (1.0, 31.0, 61.0):
        stalled.append(watcher.is_stalled(now, 30.0))
        wire.take(1)

    assert stalled == [False] * 3


async def test_new_frames_do_not_hide_a_stall() -> None:
    """A watcher that takes nothing is stalled, however many frames are added."""
    hub = Hub()
    _, watcher = joined(hub)
    stalled = []
    for now in (1.0, 16.0, 31.0):
        stalled.append(watcher.is_stalled(now, 30.0))
        publish_now(hub, b"one")

    assert stalled == [False, False, True]


async def test_a_watcher_for_which_nothing_waits_is_not_stalled() -> None:
    """The time begins when something waits."""
    hub = Hub()
    wire, watcher = joined(hub)
    wire.take()
    quiet = [watcher.is_stalled(now, 30.0) for now in (1.0, 61.0)]
    publish_now(hub, b"one")
    waiting = [watcher.is_stalled(now, 30.0) for now in (62.0, 91.0)]

    assert quiet == [False, False]
    assert waiting == [False, True]
