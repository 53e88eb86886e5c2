"""Writing in slices: whoever joins, leaves or publishes between two slices, all watchers see one order, complete."""

import asyncio
from collections.abc import Callable
from itertools import count

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.stream.hub import MAX_SLICE_BYTES, Hub
from chatr.adapters.http.stream.watcher import Watcher
from tests.wire import Wire, joined

STEPS = st.lists(
    st.sampled_from(
        ["publish", "publish", "publish presence", "join", "join presence", "leave", "iterate", "iterate", "flush"]
    )
)


@define
class Expectations:
    """A hub and its watchers, each with the frames that it has to see, in this order."""

    hub: Hub
    published: list[bytes] = field(factory=list)
    watchers: list[tuple[Wire, Watcher, list[bytes]]] = field(factory=list)
    numbers: Callable[[], int] = field(factory=lambda: count().__next__)

    async def do(self, step: str) -> None:
        """Make one step, and note which watchers have to see what."""
        match step.split():
            case ["publish"]:
                self.publish(b"%d;" % self.numbers())
            case ["publish", "presence"]:
                self.publish_presence(b"presence %d;" % self.numbers())
            case ["join", *presence]:
                backlog = [b"backlog;", *self.published]
                wire, watcher = joined(self.hub, b"".join(backlog), wants_presence=bool(presence))
                self.watchers.append((wire, watcher, backlog))
            case ["leave"] if self.watchers:
                wire, watcher, _ = self.watchers.pop(0)
                wire.abort()
                watcher.connection_lost(None)
            case ["flush"]:
                self.hub.flush()
            case _:
                await asyncio.sleep(0)

    def publish(self, frame: bytes) -> None:
        """Publish a frame to all watchers."""
        self.published.append(frame)
        self.hub.publish([frame])
        for _, _, expected in self.watchers:
            expected.append(frame)

    def publish_presence(self, frame: bytes) -> None:
        """Publish a frame to the watchers that want presence."""
        self.hub.publish_presence([frame])
        for _, watcher, expected in self.watchers:
            expected.extend([frame] * watcher.wants_presence)


def split_frames(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the frames for all watchers, and the presence frames."""
    frames = [frame for frame in data.split(b";") if frame]
    return [each for each in frames if b"presence" not in each], [each for each in frames if b"presence" in each]


@given(STEPS, st.integers(1, 3))
async def test_all_watchers_see_one_order_without_gap_or_duplicate(steps: list[str], watchers_per_slice: int) -> None:
    """Whatever happens between two slices, a watcher sees its backlog and then each later frame, once and in order."""
    expectations = Expectations(Hub(watchers_per_slice=watchers_per_slice, pause_factor=0.0))
    for step in steps:
        await expectations.do(step)
    expectations.hub.flush()

    for wire, _, expected in expectations.watchers:
        assert split_frames(b"".join(wire.pieces)) == split_frames(b"".join(expected))


async def test_other_callbacks_run_between_two_slices() -> None:
    """What is ready in the loop while many watchers are written to need not wait for the last of them."""
    hub = Hub(watchers_per_slice=2)
    wires = [joined(hub)[0] for _ in range(6)]
    hub.publish([b"one"])
    reached = []
    for _ in range(4):
        await asyncio.sleep(0)
        reached.append(sum(wire.pieces[1:] == [b"one"] for wire in wires))

    assert reached == [2, 4, 6, 6]


async def test_a_slice_of_long_frames_has_fewer_watchers() -> None:
    """What other nodes have posted at once may be long: the bytes of an iteration are bounded, to all watchers."""
    hub = Hub()
    wires = [joined(hub)[0] for _ in range(5)]
    hub.publish([b"x" * (MAX_SLICE_BYTES // 2)])
    reached = []
    for _ in range(3):
        await asyncio.sleep(0)
        reached.append(sum(len(wire.pieces) == 2 for wire in wires))

    assert reached == [2, 4, 5]


async def test_frames_published_during_a_pause_are_written_in_one_piece() -> None:
    """After a round with several frames the hub pauses, and then writes all that was published meanwhile."""
    hub = Hub(pause_factor=1e9)
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    for frame in (b"three", b"four"):
        await loop_iterations()
        hub.publish([frame])
    await loop_iterations()
    during_pause = wire.pieces[1:]
    hub.flush()

    assert (during_pause, wire.pieces[1:]) == ([b"onetwo"], [b"onetwo", b"threefour"])


async def test_no_pause_follows_a_single_frame() -> None:
    """Where frames come one at a time, each is written at once."""
    hub = Hub(pause_factor=3600.0)
    wire, _ = joined(hub)
    for frame in (b"one", b"two"):
        hub.publish([frame])
        await loop_iterations()

    assert wire.pieces[1:] == [b"one", b"two"]


async def test_writing_goes_on_after_a_pause() -> None:
    """What was published meanwhile is written when the pause is over, whether or not more is published."""
    hub = Hub(pause_factor=2.0)
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    await loop_iterations()
    hub.publish([b"three"])
    await written(wire, b"three")


@pytest.mark.long
async def test_no_pause_is_longer_than_a_second() -> None:
    """A process that was stopped for hours in the middle of a round does not pause for hours afterwards."""
    hub = Hub(pause_factor=1e9)
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    await loop_iterations()
    hub.publish([b"three"])
    await written(wire, b"three")


async def written(wire: Wire, piece: bytes) -> None:
    """Wait until the hub has written this piece."""
    async with asyncio.timeout(10):
        while piece not in wire.pieces:  # noqa: ASYNC110 -- a wire has no event
            await asyncio.sleep(0)


async def loop_iterations() -> None:
    """Let the loop run all that the hub has scheduled."""
    for _ in range(3):
        await asyncio.sleep(0)
