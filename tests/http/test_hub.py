"""Fan-out by itself: what is written to whom, in which piece, and how it ends."""

import asyncio
from itertools import count

from chatr.hub import COMMENT, Hub
from chatr.watcher import END
from tests.wire import joined, told


async def test_what_is_published_in_one_turn_is_one_piece() -> None:
    """Frames that come at once cost one write, and keep their order."""
    hub = Hub()
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    hub.publish([b"three"])
    hub.flush()
    told(hub, b"four")

    assert wire.pieces == [b"backlog", b"onetwothree", b"four"]


async def test_what_is_published_is_written_in_the_same_turn() -> None:
    """Nobody has to wait for a timer: the next thing that the loop does is to write."""
    hub = Hub()
    wire, _ = joined(hub)
    written = asyncio.get_running_loop().create_future()
    hub.publish([b"one"])
    asyncio.get_running_loop().call_soon(lambda: written.set_result(wire.pieces[1:]))

    assert await written == [b"one"]


async def test_who_joins_does_not_get_what_its_backlog_holds() -> None:
    """Frames that wait to be written are older than a new watcher's backlog; the others get them first."""
    hub = Hub()
    old, _ = joined(hub)
    hub.publish([b"one"])
    new, _ = joined(hub, b"backlog with one")
    told(hub, b"two")

    assert old.pieces == [b"backlog", b"one", b"two"]
    assert new.pieces == [b"backlog with one", b"two"]


async def test_each_watcher_is_written_to_in_its_own_form() -> None:
    """HTTP/1.1 gets chunks, HTTP/1.0 the bare frames."""
    hub = Hub()
    bare, _ = joined(hub)
    framed, _ = joined(hub, framed=True)
    told(hub, b"data: 0123456789\n\n")

    assert bare.pieces == [b"backlog", b"data: 0123456789\n\n"]
    assert framed.pieces == [b"7\r\nbacklog\r\n", b"12\r\ndata: 0123456789\n\n\r\n"]


async def test_the_curious_are_told_more() -> None:
    """What is published aside reaches those alone who asked, after what is for everybody; the others notice nothing."""
    hub = Hub()
    plain, _ = joined(hub)
    curious, _ = joined(hub, curious=True)
    hub.publish_aside([b"aside"])
    hub.publish([b"one", b"two"])
    hub.flush()
    hub.publish_aside([b"more"])
    hub.flush()

    assert plain.pieces == [b"backlog", b"onetwo"]
    assert curious.pieces == [b"backlog", b"onetwo", b"aside", b"more"]


async def test_what_is_said_aside_is_written_in_the_same_turn() -> None:
    """Nobody has to wait for something that is for everybody."""
    hub = Hub()
    curious, _ = joined(hub, curious=True)
    hub.publish_aside([b"aside"])
    await asyncio.sleep(0)

    assert curious.pieces == [b"backlog", b"aside"]


async def test_the_silence_is_that_of_what_everybody_is_told() -> None:
    """Whoever did not ask still hears a comment, however much is said aside."""
    hub = Hub(silence=0.2)
    plain, _ = joined(hub)
    joined(hub, curious=True)
    told(hub, b"one")
    async with asyncio.timeout(10):
        while COMMENT not in plain.pieces:
            hub.publish_aside([b"aside"])
            await asyncio.sleep(0)
            hub.flush()
            hub.tick()

    assert plain.pieces == [b"backlog", b"one", COMMENT]


async def test_nobody_is_curious_for_longer_than_it_watches() -> None:
    """Once the last one who asked has left, nothing needs to be found out."""
    hub = Hub()
    _, watcher = joined(hub, curious=True)
    before = hub.curious
    watcher.connection_lost(None)

    assert (before, hub.curious) == (True, False)


async def test_publishing_nothing_writes_nothing() -> None:
    """An empty chunk would end the stream."""
    hub = Hub()
    wire, _ = joined(hub, framed=True)
    told(hub)

    assert wire.pieces == [b"7\r\nbacklog\r\n"]


async def test_silence_is_broken() -> None:
    """Where nothing was written for so long, everybody gets a comment."""
    hub = Hub(silence=0)
    wire, _ = joined(hub)
    hub.tick()
    hub.flush()

    assert wire.pieces == [b"backlog", COMMENT]


async def test_where_something_is_said_there_is_no_comment() -> None:
    """A comment would be a waste shortly after a frame."""
    hub = Hub(silence=3600)
    wire, _ = joined(hub)
    told(hub, b"one")
    hub.tick()
    hub.flush()

    assert wire.pieces == [b"backlog", b"one"]


async def test_closing_says_farewell_to_each() -> None:
    """Each watcher gets what is pending and a farewell of its own, and chunks end as they should."""
    hub, farewells = Hub(), count(1)
    bare, _ = joined(hub)
    framed, _ = joined(hub, framed=True)
    hub.publish([b"last"])
    await hub.close(lambda: b"farewell %d" % next(farewells), within=0)

    assert bare.pieces == [b"backlog", b"last", b"farewell 1"]
    assert framed.pieces[1:] == [b"4\r\nlast\r\n", b"a\r\nfarewell 2\r\n", END]
    assert (bare.closed, framed.closed) == (True, True)


async def test_closing_waits_until_all_have_gone() -> None:
    """The room closes when the last watcher has taken everything, not earlier and not later."""
    hub = Hub()
    watchers = [joined(hub)[1] for _ in range(3)]
    closing = asyncio.create_task(hub.close(lambda: b"farewell", within=60))
    closed = []
    for watcher in watchers:
        done, _ = await asyncio.wait([closing], timeout=0)
        closed.append(bool(done))
        watcher.connection_lost(None)
    async with asyncio.timeout(1):
        await closing

    assert closed == [False] * 3


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


async def test_everybody_can_be_sent_away() -> None:
    """When the log is another one, all watchers have to come back and be told what their ids are worth."""
    hub = Hub()
    wires = [joined(hub)[0] for _ in range(3)]
    hub.cut()

    assert [wire.aborted for wire in wires] == [True] * 3


async def test_who_was_sent_away_is_gone_at_once() -> None:
    """Who comes next is the first, though the connections of the others are lost only in a later turn of the loop."""
    hub = Hub()
    joined(hub)
    joined(hub, curious=True)
    hub.cut()

    assert (len(hub), hub.curious) == (0, False)
