"""A look at the past sees what folding the log up to there makes of it."""

from collections.abc import Iterable

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http import render
from chatr.adapters.memory import MemoryLog
from chatr.adapters.system import SystemSecrets
from chatr.cli.moment import Then, room_then
from chatr.domain.chronicle import BLOCK
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, MessagePosted, Record
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.room import Room
from chatr.glimpse import Glimpse, Glimpses, TooMuchAtOnce
from chatr.node import Node
from chatr.past import Moment, NoSuchMoment, Time
from chatr.ports import Stored, Unavailable
from chatr.testing.clock import START, SettableClock
from chatr.testing.records import folded, happened, holding
from chatr.testing.strategies import histories

MESSAGES = 5
WILD = 10 * 365 * 24 * HOUR


class CountingLog(MemoryLog):
    """Counts the records that are read. It may turn out to hold nothing any more."""

    records = 0
    empty = False

    async def read(self, after: int, limit: int) -> list[Stored]:
        found = [] if self.empty else await super().read(after, limit)
        self.records += len(found)
        return found


@frozen
class Past:
    """A log, and a node that has folded it."""

    log: CountingLog
    node: Node
    glimpses: Glimpses

    async def look(self, moment: Moment, count: int = MESSAGES) -> Glimpse:
        return await self.glimpses.look(await self.glimpses.find(moment), count)


async def followed(records: Iterable[Record]) -> Past:
    log = await holding(CountingLog(), records)
    node = Node(log, SettableClock(), SystemSecrets(), lambda _: None)
    node.room = folded(records)
    return Past(log, node, Glimpses(node, log))


def seen(glimpse: Glimpse) -> dict[str, object]:
    return {
        "position": glimpse.instant.position,
        "at": glimpse.instant.at,
        "messages": [render.message(said, author) for said, author in glimpse.messages],
        "more": glimpse.has_more,
        "online": sorted((render.agent(each, online=True) for each in glimpse.online), key=str),
        "stats": (glimpse.total_agents, len(glimpse.online), glimpse.total_messages),
        "limits": glimpse.limits,
    }


def replayed(then: Then) -> dict[str, object]:
    """The same of a room that was folded from the first record on."""
    room = then.room
    return {
        "position": room.position,
        "at": then.at,
        "messages": [render.message(said, room.agent(said.agent)) for said in room.history.last(MESSAGES)],
        "more": len(room.history.positions) > MESSAGES,
        "online": sorted((render.agent(each, online=True) for each in room.online(then.at)), key=str),
        "stats": tuple(render.stats(room, then.at).values()),
        "limits": room.house.limits,
    }


async def both(past: Past, moment: Moment) -> tuple[object, object]:
    """What is seen of a moment, and what `chatr replay` makes of it."""
    try:
        expected: object = replayed(await room_then(past.log, moment))
    except NoSuchMoment as refusal:
        expected = str(refusal)
    try:
        return expected, seen(await past.look(moment))
    except NoSuchMoment as refusal:
        return expected, str(refusal)


MOMENTS = st.integers(0, 60) | st.integers(-MINUTE, 3 * HOUR).map(lambda after: Time(START + after))


@given(histories(), st.lists(MOMENTS, max_size=8))
async def test_a_glimpse_is_what_replay_shows(records: list[Record], moments: list[Moment]) -> None:
    """Whatever happened, and whichever moment is asked for, by position or by time, beyond both ends too."""
    past = await followed(records)
    for moment in moments:
        expected, found = await both(past, moment)
        assert found == expected


@given(histories())
async def test_every_record_s_own_moment(records: list[Record]) -> None:
    """Record by record the room is seen as it became."""
    past = await followed(records)
    for record in records:
        for moment in (record.position, Time(record.event.at), Time(record.event.at - 1)):
            expected, found = await both(past, moment)
            assert found == expected


def long_log(*, wild: int = 0) -> list[Record]:
    """Three agents come; then every 20 s one speaks, or another is seen. The clock was once years ahead."""
    came = [AgentRegistered(agent_id(name), name, None, name, START) for name in ("Ada", "Bob", "Cy")]
    times = [START + number * 20 * SECOND for number in range(3 * BLOCK)]
    if wild:
        times[wild] += WILD
    acted: list[Event] = [
        AgentSeen(came[0].agent, at) if number % 50 else MessagePosted(came[number // 50 % 3].agent, "Hi", None, at)
        for number, at in enumerate(times)
    ]
    return happened([*came, *acted])


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return long_log(wild=40)


async def test_a_long_log_with_a_wild_clock(records: list[Record]) -> None:
    """Over many blocks, and where a clock was once ten years ahead, it is still what replay shows."""
    past, last = await followed(records), len(records)
    times = [Time(records[number].event.at + off) for number in range(0, last, last // 5) for off in (-1, 0, HOUR)]
    for moment in (*range(0, last, last // 5), last, *times, Time(START + WILD), Time(START + 2 * WILD)):
        expected, found = await both(past, moment)
        assert found == expected


@pytest.mark.parametrize("wild", [0, 40])
async def test_a_look_never_reads_from_zero(wild: int) -> None:
    """What is read for a moment does not grow with the log before it, though a clock was once years ahead."""
    records = long_log(wild=wild)
    past = await followed(records)
    moment = Time(records[-2].event.at)
    await past.look(moment)

    assert past.log.records <= 2 * BLOCK < len(records) - BLOCK


async def test_whoever_stays_nearby_reads_the_log_once(records: list[Record]) -> None:
    """Moment after moment of an hour costs no more than the first."""
    past = await followed(records)
    read = []
    for minute in range(60):
        await past.look(Time(records[BLOCK].event.at + minute * MINUTE))
        read.append(past.log.records)

    assert read[0] == read[-1] > 0


async def test_few_blocks_are_kept(records: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many moments are looked at, memory holds a few blocks: the one that was left for longest goes first."""
    monkeypatch.setattr("chatr.glimpse.BLOCKS_KEPT", 1)
    past = await followed(records)
    for place in (BLOCK // 2, BLOCK + BLOCK // 2, BLOCK // 2):
        await past.look(place)

    assert past.log.records == 3 * BLOCK


async def test_a_log_that_was_replaced_is_not_mixed_up(records: list[Record]) -> None:
    """Where the log holds less than was folded, or the room has become another, nothing is shown."""
    shorter, another = await followed(records), await followed(records)
    shorter.log.empty = True
    another.node.room = Room()

    for past in (shorter, another):
        for moment in (5, Time(START)):
            with pytest.raises(Unavailable):
                await past.look(moment)


async def test_a_clock_that_was_wrong_twice(records: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies between two records of one wrong time is read, if it is not too much; else nothing is."""
    twice = [*(record.event for record in records), AgentSeen(agent_id("Ada"), START + WILD)]
    past = await followed(happened([*twice, AgentSeen(agent_id("Ada"), START)]))
    expected, found = await both(past, len(twice))
    before = past.log.records
    monkeypatch.setattr("chatr.glimpse.BLOCKS_READ", 3)
    with pytest.raises(TooMuchAtOnce):
        await past.look(len(twice))

    assert found == expected
    assert past.log.records - before <= BLOCK
