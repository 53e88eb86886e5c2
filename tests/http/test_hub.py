"""Fan-out by itself: what is written to whom, in which piece, and who is cut off."""

import asyncio
from itertools import count

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.hub import BUDGET, COMMENT, END, Hub, Watcher, chunk


@define(eq=False)
class Wire(asyncio.Transport):
    """A connection whose other end takes nothing until it is told to."""

    pieces: list[bytes] = field(factory=list)
    waiting: int = 0
    closed: bool = False
    aborted: bool = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writing to a connection that is closing is an error, as it is for uvloop."""
        assert not self.is_closing()
        self.pieces.append(bytes(data))
        self.waiting += len(data)

    def take(self, most: int | None = None) -> None:
        self.waiting = 0 if most is None else max(0, self.waiting - most)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


def joined(hub: Hub, backlog: bytes = b"backlog", *, framed: bool = False) -> tuple[Wire, Watcher]:
    wire = Wire()
    watcher = Watcher(hub, wire, lambda: None, framed=framed)
    hub.join(watcher, chunk(backlog))
    return wire, watcher


async def test_what_is_published_in_one_turn_is_one_piece() -> None:
    """Frames that come at once cost one write, and keep their order."""
    hub = Hub()
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    hub.publish([b"three"])
    hub.flush()
    hub.publish([b"four"])
    hub.flush()

    assert [b"backlog", b"onetwothree", b"four"] == wire.pieces


async def test_what_is_published_is_written_in_the_same_turn() -> None:
    """Nobody has to wait for a timer: the next thing that the loop does is to write."""
    hub = Hub()
    wire, _ = joined(hub)
    written = asyncio.get_running_loop().create_future()
    hub.publish([b"one"])
    asyncio.get_running_loop().call_soon(lambda: written.set_result(wire.pieces[1:]))

    assert [b"one"] == await written


async def test_who_joins_does_not_get_what_its_backlog_holds() -> None:
    """Frames that wait to be written are older than a new watcher's backlog; the others get them first."""
    hub = Hub()
    old, _ = joined(hub)
    hub.publish([b"one"])
    new, _ = joined(hub, b"backlog with one")
    hub.publish([b"two"])
    hub.flush()

    assert [b"backlog", b"one", b"two"] == old.pieces
    assert [b"backlog with one", b"two"] == new.pieces


async def test_each_watcher_is_written_to_in_its_own_form() -> None:
    """HTTP/1.1 gets chunks, HTTP/1.0 the bare frames."""
    hub = Hub()
    bare, _ = joined(hub)
    framed, _ = joined(hub, framed=True)
    hub.publish([b"data: 0123456789\n\n"])
    hub.flush()

    assert [b"backlog", b"data: 0123456789\n\n"] == bare.pieces
    assert [b"7\r\nbacklog\r\n", b"12\r\ndata: 0123456789\n\n\r\n"] == framed.pieces


async def test_publishing_nothing_writes_nothing() -> None:
    """An empty chunk would end the stream."""
    hub = Hub()
    wire, _ = joined(hub)
    hub.publish([])
    hub.flush()

    assert [b"backlog"] == wire.pieces


async def test_a_watcher_may_let_a_mebibyte_wait() -> None:
    """Whoever lets exactly 1 MiB of live frames wait stays; one byte more, and it is cut off."""
    hub = Hub()
    wire, _ = joined(hub)
    wire.take()
    hub.publish([bytes(BUDGET)])
    hub.flush()
    within = wire.aborted
    hub.publish([b"."])
    hub.flush()

    assert 1024 * 1024 == BUDGET
    assert (False, True) == (within, wire.aborted)


async def test_the_backlog_does_not_count() -> None:
    """What a watcher asked for may wait beside a whole mebibyte of live frames."""
    hub = Hub()
    wire, _ = joined(hub, bytes(2 * BUDGET))
    hub.publish([bytes(BUDGET)])
    hub.flush()
    within = wire.aborted
    hub.publish([b"."])
    hub.flush()

    assert (False, True) == (within, wire.aborted)


@given(st.integers(0, 2 * BUDGET), st.lists(st.tuples(st.integers(1, BUDGET // 2), st.integers(0, BUDGET // 2))))
async def test_only_live_frames_that_wait_count(backlog: int, turns: list[tuple[int, int]]) -> None:
    """However fast a watcher takes its bytes: it is cut off just when more than 1 MiB of live frames wait for it."""
    hub = Hub()
    wire, _ = joined(hub, b"." * backlog)
    before, live = backlog, 0
    for written, taken in turns:
        hub.publish([bytes(written)])
        hub.flush()
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
    slow.waiting = 2 * BUDGET
    for piece in (bytes(BUDGET), b"one", b"two"):
        hub.publish([piece])
        hub.flush()
        quick.take()

    assert (True, False) == (slow.aborted, quick.aborted)
    assert [b"one", b"two"] == quick.pieces[-2:]
    assert slow.pieces == [b"backlog", bytes(BUDGET), b"one"]


async def test_one_that_is_closing_is_not_written_to() -> None:
    """Between the end of a connection and its loss nothing may be written: some loops raise then."""
    hub = Hub()
    wire, watcher = joined(hub)
    wire.close()
    hub.publish([b"one"])
    hub.flush()
    watcher.end(chunk(b"farewell"))

    assert [b"backlog"] == wire.pieces


async def test_a_lost_watcher_leaves_and_gives_its_place_back() -> None:
    """The loss of a connection is told once to the hub and once to the door."""
    hub, told = Hub(), count()
    watcher = Watcher(hub, Wire(), lambda: next(told), framed=True)  # type: ignore[arg-type, return-value] -- counts
    hub.join(watcher, chunk(b"backlog"))
    watcher.connection_lost(None)

    assert (0, 1) == (len(hub), next(told))


async def test_silence_is_broken() -> None:
    """Where nothing was written for so long, everybody gets a comment."""
    hub = Hub(silence=0)
    wire, _ = joined(hub)
    hub.tick()
    hub.flush()

    assert [b"backlog", COMMENT] == wire.pieces


async def test_where_something_is_said_there_is_no_comment() -> None:
    """A comment would be a waste shortly after a frame."""
    hub = Hub(silence=3600)
    wire, _ = joined(hub)
    hub.publish([b"one"])
    hub.flush()
    hub.tick()
    hub.flush()

    assert [b"backlog", b"one"] == wire.pieces


async def test_one_that_takes_nothing_has_stalled() -> None:
    """Something waits for it, and in all that time it has taken none of it."""
    _, watcher = joined(Hub())

    assert [False, False, True] == [watcher.stalled(now, 30.0) for now in (1.0, 30.9, 31.0)]


async def test_one_that_takes_a_little_has_not_stalled() -> None:
    """A slow watcher is left in peace as long as it takes anything."""
    wire, watcher = joined(Hub())
    told = []
    for now in (1.0, 31.0, 61.0):
        told.append(watcher.stalled(now, 30.0))
        wire.take(1)

    assert [False] * 3 == told


async def test_more_to_take_is_not_something_taken() -> None:
    """New frames for one that takes nothing do not make it look alive."""
    hub = Hub()
    _, watcher = joined(hub)
    told = []
    for now in (1.0, 16.0, 31.0):
        told.append(watcher.stalled(now, 30.0))
        hub.publish([b"one"])
        hub.flush()

    assert [False, False, True] == told


async def test_one_for_whom_nothing_waits_has_not_stalled() -> None:
    """Silence is no stall: its time begins when something waits."""
    hub = Hub()
    wire, watcher = joined(hub)
    wire.take()
    quiet = [watcher.stalled(now, 30.0) for now in (1.0, 61.0)]
    hub.publish([b"one"])
    hub.flush()

    assert [False] * 2 == quiet
    assert [False, True] == [watcher.stalled(now, 30.0) for now in (62.0, 91.0)]


async def test_closing_says_farewell_to_each() -> None:
    """Each watcher gets what is pending and a farewell of its own, and chunks end as they should."""
    hub, farewells = Hub(), count(1)
    wires = [joined(hub)[0], joined(hub, framed=True)[0]]
    hub.publish([b"last"])
    await hub.close(lambda: b"farewell %d" % next(farewells), within=0)

    assert [b"backlog", b"last", b"farewell 1"] == wires[0].pieces
    assert [b"4\r\nlast\r\n", b"a\r\nfarewell 2\r\n", END] == wires[1].pieces[1:]
    assert all(wire.closed for wire in wires)


async def test_closing_waits_until_all_have_gone() -> None:
    """The room closes when the last watcher has taken everything, not earlier and not later."""
    hub = Hub()
    watchers = [joined(hub)[1] for _ in range(3)]
    closing = asyncio.create_task(hub.close(lambda: b"farewell", within=60))
    told = []
    for watcher in watchers:
        done, _ = await asyncio.wait([closing], timeout=0)
        told.append(bool(done))
        watcher.connection_lost(None)
    async with asyncio.timeout(1):
        await closing

    assert [False] * 3 == told


async def test_closing_waits_for_nobody_for_long() -> None:
    """Who has not taken its farewell in time is cut off."""
    hub = Hub()
    wire, _ = joined(hub)
    await hub.close(lambda: b"farewell", within=0)

    assert wire.aborted


async def test_an_empty_hub_closes_at_once() -> None:
    """Where nobody watches there is nothing to wait for."""
    async with asyncio.timeout(1):
        await Hub().close(lambda: b"farewell", within=60)
