"""A view of an earlier moment shows the same room as folding the log up to that moment."""

from collections.abc import Iterable
from typing import Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from chatr import to_wire
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.cli.replayed_room import ReplayedRoom, replay_room
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, LimitsAdopted, MessagePosted, Record
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limits
from chatr.domain.presence import name_order
from chatr.domain.room import Room
from chatr.domain.time_index import BLOCK_SIZE
from chatr.node.node import Node
from chatr.past.replay import Moment, NoSuchMoment, Timestamp
from chatr.past.room_at import BLOCKS_CACHED, MAX_BLOCKS_READ, RecordBlocks, RoomView, RoomViews, TooManyRecords
from chatr.ports import LogChanged, LogUnavailable, RecordAltered
from chatr.testing.clock import START
from chatr.testing.contract.steps import run_event_loop
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import folded_room, log_with, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import CRAB, CRAB_REGISTERED

MESSAGES: Final = 5
"""Messages in a view."""
AGENTS: Final = 2
"""Online agents in a view."""
TEN_YEARS: Final = 10 * 365 * 24 * HOUR
"""How far a clock is wrong in some tests."""


@frozen
class Past:
    """A log, a node that has folded it, and the views of its earlier moments."""

    log: FaultyLog
    node: Node
    views: RoomViews

    async def view(self, moment: Moment) -> RoomView:
        """The room at `moment`."""
        return await self.views.view(await self.views.resolve(moment), MESSAGES, AGENTS)


async def past_of(
    records: Iterable[Record], *, blocks_cached: int = BLOCKS_CACHED, max_blocks_read: int = MAX_BLOCKS_READ
) -> Past:
    """A log with these records, folded by a node."""
    log = await log_with(FaultyLog(MemoryLog()), records)
    node = node_on(log, folded_room(records))
    return Past(log, node, RoomViews(node, log, blocks_cached=blocks_cached, max_blocks_read=max_blocks_read))


def shown(view: RoomView, room: Room) -> dict[str, object]:
    """A view in a form that can be compared with `replayed`."""
    return {
        "position": view.moment.position,
        "at": view.moment.at,
        "messages": [to_wire.message_in(room, *each) for each in view.messages],
        "more": view.has_more,
        "online": [to_wire.agent(each, online=True) for each in view.online],
        "stats": (view.total_agents, view.total_online, view.total_messages),
        "limits": view.limits,
    }


def replayed(then: ReplayedRoom) -> dict[str, object]:
    """The same of a room that was folded from the first record on."""
    room, online = then.room, then.room.online_agents(then.at)
    return {
        "position": room.position,
        "at": then.at,
        "messages": [to_wire.message_in(room, message) for message in room.history.last(MESSAGES)],
        "more": len(room.history.positions) > MESSAGES,
        "online": [to_wire.agent(each, online=True) for each in sorted(online, key=name_order)[:AGENTS]],
        "stats": astuple(to_wire.stats(room, len(online))),
        "limits": room.rule_context.limits,
    }


async def both(past: Past, moment: Moment) -> tuple[object, object]:
    """What `chatr replay` shows of a moment, and what the view shows: a room, or the sentence of the error."""
    try:
        expected: object = replayed(await replay_room(past.log, moment))
    except NoSuchMoment as error:
        expected = str(error)
    try:
        return expected, shown(await past.view(moment), past.node.room)
    except NoSuchMoment as error:
        return expected, str(error)


MOMENTS = st.integers(0, 60) | st.integers(-MINUTE, 3 * HOUR).map(lambda after: Timestamp(START + after))


@given(histories(moderated=False), st.lists(MOMENTS, max_size=8))
async def test_a_view_shows_what_replay_shows(records: list[Record], moments: list[Moment]) -> None:
    """Whatever happened, and whichever moment is asked for: by position or by time, also beyond both ends."""
    past = await past_of(records)
    for moment in moments:
        expected, view = await both(past, moment)
        assert view == expected


@pytest.mark.long
@given(histories(moderated=False))
async def test_the_moment_of_every_record_can_be_viewed(records: list[Record]) -> None:
    """At each record's position, at its time and just before, the view shows what replay shows."""
    past = await past_of(records)
    for record in records:
        for moment in (record.position, Timestamp(record.event.at), Timestamp(record.event.at - 1)):
            expected, view = await both(past, moment)
            assert view == expected


def long_log(*, wrong_at: int = 0) -> list[Record]:
    """Three agents register; then every 20 s one of them posts or is seen. One time, if any, is ten years ahead."""
    registered = [AgentRegistered(agent_id(name), name, None, name, START) for name in ("Ada", "Bob", "Cy")]
    times = [START + number * 20 * SECOND for number in range(3 * BLOCK_SIZE)]
    if wrong_at:
        times[wrong_at] += TEN_YEARS
    acted: list[Event] = [
        AgentSeen(registered[0].agent, at)
        if number % 50
        else MessagePosted(registered[number // 50 % 3].agent, "Hi", None, at)
        for number, at in enumerate(times)
    ]
    return records_of([*registered, *acted])


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """A log of several blocks in which a clock was once ten years ahead."""
    return long_log(wrong_at=40)


async def test_a_clock_that_was_far_ahead_changes_nothing(records: list[Record]) -> None:
    """Over several blocks, and around a time that is ten years ahead, a view shows what replay shows."""
    past, last = await past_of(records), len(records)
    times = [Timestamp(records[number].event.at + off) for number in range(0, last, last // 5) for off in (-1, 0, HOUR)]
    far = (Timestamp(START + TEN_YEARS), Timestamp(START + 2 * TEN_YEARS))
    for moment in (*range(0, last, last // 5), last, *times, *far):
        expected, view = await both(past, moment)
        assert view == expected


@pytest.mark.parametrize("wrong_at", [0, 40])
async def test_a_view_reads_only_the_records_around_its_moment(wrong_at: int) -> None:
    """The records that are read do not grow with the log before the moment, though a clock was once years ahead."""
    records = long_log(wrong_at=wrong_at)
    past = await past_of(records)
    moment = Timestamp(records[-2].event.at)
    await past.view(moment)

    assert past.log.records_read <= 2 * BLOCK_SIZE < len(records) - BLOCK_SIZE


async def test_limits_from_a_wrong_clock_make_nothing_be_read(records: list[Record]) -> None:
    """A record about the room says nothing about who was online: those before the moment are read as without it."""
    events = [each.event for each in records]
    past = await past_of(records_of([LimitsAdopted(Limits(), events[-1].at), *events]))
    await past.view(Timestamp(events[-2].at))

    assert past.log.records_read <= 2 * BLOCK_SIZE


async def test_nearby_moments_read_the_log_once(records: list[Record]) -> None:
    """Sixty views within an hour read no more records than the first."""
    past = await past_of(records)
    read = []
    for minute in range(60):
        await past.view(Timestamp(records[BLOCK_SIZE].event.at + minute * MINUTE))
        read.append(past.log.records_read)

    assert read[0] == read[-1] > 0


async def test_few_blocks_are_cached(records: list[Record]) -> None:
    """Of the blocks that were read only the last few are cached: the least recently used one is dropped."""
    past = await past_of(records, blocks_cached=1)
    for position in (BLOCK_SIZE // 2, BLOCK_SIZE + BLOCK_SIZE // 2, BLOCK_SIZE // 2):
        await past.view(position)

    assert past.log.records_read == 3 * BLOCK_SIZE


async def replaced(past: Past) -> None:
    """Let the node notice that its log was replaced, and fold the new one."""
    before = past.node.room
    past.log.fail("tail", LogChanged("The log was replaced."), times=1)
    async with background(past.node.follower.run()):
        while past.node.room is before:
            await run_event_loop(1)


async def test_two_logs_are_never_mixed(records: list[Record]) -> None:
    """If the log lacks records that were folded, or the room was replaced, a view raises LogUnavailable."""
    shorter, another = await past_of(records), await past_of(records)
    shorter.log.change("read", lambda _records: [])
    await replaced(another)

    for past in (shorter, another):
        for moment in (5, Timestamp(START)):
            with pytest.raises(LogUnavailable):
                await past.view(moment)


async def test_a_clock_that_was_wrong_twice(records: list[Record]) -> None:
    """All records between two of the same wrong time are read, unless they are too many: then none is."""
    twice = [*(record.event for record in records), AgentSeen(agent_id("Ada"), START + TEN_YEARS)]
    events = [*twice, AgentSeen(agent_id("Ada"), START)]
    expected, view = await both(await past_of(records_of(events)), len(twice))
    past = await past_of(records_of(events), max_blocks_read=3)
    with pytest.raises(TooManyRecords):
        await past.view(len(twice))

    assert view == expected
    assert past.log.records_read <= BLOCK_SIZE


@pytest.mark.parametrize("altered", [{"type": "noted.v1"}, {"stream": "agent/nobody"}], ids=["type", "stream"])
async def test_a_moment_whose_records_were_altered(altered: dict[str, str]) -> None:
    """A view that needs a record which was altered, and can no longer be used, is an error that names it."""
    past = await past_of(records_of([AgentSeen(agent_id("Ada"), START)] * 3))
    past.log.change("read", lambda records: [evolve(records[0], **altered), *records[1:]])
    with pytest.raises(RecordAltered) as error:
        await past.view(2)

    assert (error.value.position, past.node.integrity.altered) == (1, 1)


async def test_blocks_hold_no_texts() -> None:
    """What is cached of the log are times and agents: a text may be erased while its block is being read."""
    past = await past_of(records_of([CRAB_REGISTERED, *(MessagePosted(CRAB, "Secret", None, START) for _ in range(3))]))
    records = await RecordBlocks(past.log, past.node, BLOCKS_CACHED).block_of(2)

    assert [each.type for each in records[1:]] == ["message-posted.v1"] * 3
    assert [each.data for each in records[1:]] == [""] * 3
