"""One watcher by itself: how much may wait for it, how long, and when it is left alone."""

from hypothesis import given
from hypothesis import strategies as st

from chatr.hub import Hub
from chatr.watcher import BUDGET, Watcher, chunk
from tests.wire import Wire, joined, told


async def test_a_mebibyte_may_wait() -> None:
    """A watcher for whom exactly 1 MiB of live frames waits stays; one byte more, and it is cut off."""
    hub = Hub()
    wire, _ = joined(hub)
    wire.take()
    told(hub, bytes(1024 * 1024))
    within = wire.aborted
    told(hub, b".")

    assert (within, wire.aborted) == (False, True)


async def test_the_backlog_does_not_count() -> None:
    """What a watcher asked for may wait beside a whole mebibyte of live frames."""
    hub = Hub()
    wire, _ = joined(hub, bytes(2 * BUDGET))
    told(hub, bytes(BUDGET))
    within = wire.aborted
    told(hub, b".")

    assert (within, wire.aborted) == (False, True)


@given(st.integers(0, 2 * BUDGET), st.lists(st.tuples(st.integers(1, BUDGET // 2), st.integers(0, BUDGET // 2))))
async def test_only_live_frames_that_wait_count(backlog: int, turns: list[tuple[int, int]]) -> None:
    """However fast a watcher takes its bytes: it is cut off just when more than 1 MiB of live frames wait for it."""
    hub = Hub()
    wire, _ = joined(hub, b"." * backlog)
    before, live = backlog, 0
    for written, taken in turns:
        told(hub, bytes(written))
        live += written

        assert wire.aborted == (live > BUDGET)

        if wire.aborted:
            break
        wire.take(taken)
        before, live = max(0, before - taken), live - min(live, max(0, taken - before))


async def test_one_that_is_cut_off_disturbs_nobody() -> None:
    """The others get every frame, also the one that was too much for somebody."""
    hub = Hub()
    slow, _ = joined(hub)
    quick, _ = joined(hub)
    for piece in (bytes(BUDGET), b"one", b"two"):
        told(hub, piece)
        quick.take()

    assert (slow.aborted, slow.pieces[1:]) == (True, [bytes(BUDGET), b"one"])
    assert (quick.aborted, quick.pieces[1:]) == (False, [bytes(BUDGET), b"one", b"two"])


async def test_one_that_is_closing_is_not_written_to() -> None:
    """Between the end of a connection and its loss nothing may be written: some loops raise then."""
    hub = Hub()
    wire, watcher = joined(hub)
    wire.close()
    told(hub, b"one")
    watcher.end(chunk(b"farewell"))

    assert wire.pieces == [b"backlog"]


async def test_one_that_is_lost_leaves_and_gives_its_place_back() -> None:
    """The loss of a connection is told once to the hub and once to the door."""
    hub, places = Hub(), ["a place"]
    watcher = Watcher(hub, Wire(), places.clear, framed=True)
    hub.join(watcher, b"backlog")
    watcher.connection_lost(None)

    assert (len(hub), places) == (0, [])


async def test_one_that_takes_nothing_has_stalled() -> None:
    """Something waits for it, and in all that time it has taken none of it."""
    _, watcher = joined(Hub())

    assert [watcher.stalled(now, 30.0) for now in (1.0, 30.9, 31.0)] == [False, False, True]


async def test_one_that_takes_a_little_has_not_stalled() -> None:
    """A slow watcher is left in peace as long as it takes anything."""
    wire, watcher = joined(Hub())
    stalled = []
    for now in (1.0, 31.0, 61.0):
        stalled.append(watcher.stalled(now, 30.0))
        wire.take(1)

    assert stalled == [False] * 3


async def test_more_to_take_is_not_something_taken() -> None:
    """New frames for one that takes nothing do not make it look alive."""
    hub = Hub()
    _, watcher = joined(hub)
    stalled = []
    for now in (1.0, 16.0, 31.0):
        stalled.append(watcher.stalled(now, 30.0))
        told(hub, b"one")

    assert stalled == [False, False, True]


async def test_one_for_whom_nothing_waits_has_not_stalled() -> None:
    """Silence is no stall: the time begins when something waits."""
    hub = Hub()
    wire, watcher = joined(hub)
    wire.take()
    quiet = [watcher.stalled(now, 30.0) for now in (1.0, 61.0)]
    told(hub, b"one")
    waiting = [watcher.stalled(now, 30.0) for now in (62.0, 91.0)]

    assert quiet == [False, False]
    assert waiting == [False, True]
