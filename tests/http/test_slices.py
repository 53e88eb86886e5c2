"""Fan-out in slices: whoever comes, goes or speaks between two of them, everybody sees one order, whole."""

import asyncio
from collections.abc import Callable
from itertools import count

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.hub import Hub
from chatr.watcher import Watcher
from tests.wire import Wire, joined

STEPS = st.lists(st.sampled_from(["say", "say", "aside", "join", "join curious", "leave", "turn", "turn", "flush"]))


@define
class Scene:
    """A hub and the watchers that came, each with what it has to see, in this order."""

    hub: Hub
    said: list[bytes] = field(factory=list)
    due: list[tuple[Wire, Watcher, list[bytes]]] = field(factory=list)
    numbers: Callable[[], int] = field(factory=lambda: count().__next__)

    async def do(self, step: str) -> None:
        match step.split():
            case ["say"]:
                self.say(b"%d;" % self.numbers())
            case ["aside"]:
                self.say_aside(b"aside %d;" % self.numbers())
            case ["join", *curious]:
                wire, watcher = joined(self.hub, b"".join([b"backlog;", *self.said]), curious=bool(curious))
                self.due.append((wire, watcher, [b"backlog;", *self.said]))
            case ["leave"] if self.due:
                wire, watcher, _ = self.due.pop(0)
                wire.abort()
                watcher.connection_lost(None)
            case ["flush"]:
                self.hub.flush()
            case _:
                await asyncio.sleep(0)

    def say(self, frame: bytes) -> None:
        self.said.append(frame)
        self.hub.publish([frame])
        for _, _, due in self.due:
            due.append(frame)

    def say_aside(self, frame: bytes) -> None:
        self.hub.publish_aside([frame])
        for _, watcher, due in self.due:
            due.extend([frame] * watcher.curious)


def parted(frames: bytes) -> tuple[list[bytes], list[bytes]]:
    """What is for everybody, and what was said aside."""
    pieces = [each for each in frames.split(b";") if each]
    return [each for each in pieces if b"aside" not in each], [each for each in pieces if b"aside" in each]


@given(STEPS, st.integers(1, 3))
async def test_everybody_sees_one_order_without_gap_or_double(steps: list[str], portion: int) -> None:
    """Whatever happens between two slices, a watcher sees its backlog and then all that is said, once and in order."""
    scene = Scene(Hub(portion=portion, rest=0.0))
    for step in steps:
        await scene.do(step)
    scene.hub.flush()

    for wire, _, due in scene.due:
        assert parted(b"".join(wire.pieces)) == parted(b"".join(due))


async def test_between_two_slices_others_have_their_turn() -> None:
    """What is ready in the loop while many are written to need not wait for the last of them."""
    hub = Hub(portion=2)
    wires = [joined(hub)[0] for _ in range(6)]
    hub.publish([b"one"])
    reached = []
    for _ in range(4):
        await asyncio.sleep(0)
        reached.append(sum(wire.pieces[1:] == [b"one"] for wire in wires))

    assert reached == [2, 4, 6, 6]


async def test_what_is_said_while_the_hub_rests_is_one_piece() -> None:
    """When many messages come, writing leaves the loop to them for a while, and then writes all of them at once."""
    hub = Hub(rest=3600.0)
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    for frame in (b"three", b"four"):
        await turns_of_the_loop()
        hub.publish([frame])
    await turns_of_the_loop()
    resting = wire.pieces[1:]
    hub.flush()

    assert (resting, wire.pieces[1:]) == ([b"onetwo"], [b"onetwo", b"threefour"])


async def test_after_a_message_alone_there_is_no_rest() -> None:
    """Where messages come one at a time, none waits for a write that is over."""
    hub = Hub(rest=3600.0)
    wire, _ = joined(hub)
    for frame in (b"one", b"two"):
        hub.publish([frame])
        await turns_of_the_loop()

    assert wire.pieces[1:] == [b"one", b"two"]


async def test_after_a_rest_writing_goes_on_by_itself() -> None:
    """What gathered is written as soon as the rest is over, whether or not more is said."""
    hub = Hub(rest=2.0)
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    await turns_of_the_loop()
    hub.publish([b"three"])
    await reached(wire, b"three")


async def test_no_rest_is_long() -> None:
    """Whoever stops the process while it writes does not keep the watchers waiting for hours afterwards."""
    hub = Hub(rest=1e9)
    wire, _ = joined(hub)
    hub.publish([b"one", b"two"])
    await turns_of_the_loop()
    hub.publish([b"three"])
    await reached(wire, b"three")


async def reached(wire: Wire, piece: bytes) -> None:
    async with asyncio.timeout(10):
        while piece not in wire.pieces:  # noqa: ASYNC110 -- a wire has no event
            await asyncio.sleep(0)


async def turns_of_the_loop() -> None:
    for _ in range(3):
        await asyncio.sleep(0)
