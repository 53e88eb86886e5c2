"""The metrics of a room: their names, and what each of them counts."""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import pytest

from chatr.adapters.http.stream.evictions import EVICTION_REASONS
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.watcher import MAX_WAITING_BYTES
from chatr.adapters.metrics.counts import BOUNDS, Durations, RecordCounts, RequestCounts
from chatr.adapters.metrics.exposition import Exposition
from chatr.adapters.metrics.sources import NodeState, Sources
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import running_room
from chatr.codec import EVENT_TYPES
from chatr.domain.commands import agent_id
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.moderation_commands import Suspend
from chatr.ports import LogUnavailable
from chatr.settings import Settings
from chatr.testing.clock import START, SettableClock
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.wire.errors import ErrorCode
from tests.conftest import OPEN_SETTINGS, OpenRoom
from tests.metrics.scrape import calls_of, open_measured
from tests.node_agents import register_agent
from tests.stream_client import connected, read_response, request, watching
from tests.wire import joined, publish_now

NAMES: Final = {
    *("chatr_records_total", "chatr_position", "chatr_head_age_seconds", "chatr_follow_lag_records"),
    *("chatr_refusals_total", "chatr_append_duration_seconds", "chatr_append_conflicts_total", "chatr_streams"),
    *("chatr_max_streams", "chatr_stream_evictions_total", "chatr_connections", "chatr_agents", "chatr_store_up"),
    *("http_server_request_duration_seconds", "chatr_verified_position", "chatr_altered_position"),
}
LABELS: Final = {"code", "http_route", "kind", "le", "reason", "state", "type"}
"""All labels that there are. Each has a fixed set of values."""


async def test_the_metrics_have_their_names(open_room: OpenRoom) -> None:
    """There are those of the contract and those of the process; counters end in _total, and none is about a moment."""
    measured = await open_measured(open_room)
    await measured.room.register()
    scrape = await measured.scrape()
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", scrape.text, re.MULTILINE))

    assert {name for name in families if not name.startswith("process_")} == NAMES
    assert [name for name, kind in families.items() if (kind == "counter") != name.endswith("_total")] == []
    assert [name for name in scrape.names if name.endswith("_created")] == []
    assert {label for _, labels in scrape.samples for label, _ in labels} == LABELS
    assert scrape.value("process_start_time_seconds")


async def test_records_are_counted_by_type(open_room: OpenRoom) -> None:
    """Each record counts under its stored type; types without records are there with 0."""
    measured = await open_measured(open_room)
    ada = await measured.room.register()
    for content in ("one", "two"):
        await measured.room.post_message(ada, content)
    scrape = await measured.scrape()
    counted = {name: scrape.value("chatr_records_total", type=name) for name in EVENT_TYPES}

    assert (counted["agent-registered.v1"], counted["message-posted.v1"]) == (1, 2)
    assert None not in counted.values()
    assert scrape.value("chatr_position") == measured.room.running.node.room.position


async def test_error_responses_are_counted_by_code(open_room: OpenRoom) -> None:
    """Each error counts, of whatever layer; every code is there from the beginning, with 0."""
    measured = await open_measured(open_room, max_streams_per_ip=1)
    before, room = await measured.scrape(), measured.room
    await room.get("/api/nope")
    await room.get("/api/messages?before=x")
    await room.post("/api/messages", {"content": "x"})
    async with (
        watching(room.running.url),
        watching(room.running.url) as refused,
        connected(room.running.url) as (reader, writer),
    ):
        writer.write(b"\x00\r\n\r\n")
        await read_response(reader, writer)
    after = await measured.scrape()
    counted = {code.value: after.value("chatr_refusals_total", code=code.value) for code in ErrorCode}

    assert {before.value("chatr_refusals_total", code=code.value) for code in ErrorCode} == {0}
    assert refused.status == 429
    assert {code for code, count in counted.items() if count} == {
        *("not_found", "invalid_cursor", "unauthorized", "too_many_streams", "bad_request"),
    }
    assert set(counted.values()) == {0, 1}


async def test_requests_are_counted_by_route(open_room: OpenRoom) -> None:
    """The label is the template of the route; all paths without a route share one value."""
    measured = await open_measured(open_room)
    for number in range(30):
        await measured.room.get(f"/nope/{number}")
    await measured.room.get("/page/style.css")
    await measured.room.get("/api/messages?limit=1")
    await measured.room.request("DELETE", "/api/messages")
    async with watching(measured.room.running.url):
        pass
    scrape = await measured.scrape()
    name = "http_server_request_duration_seconds_count"

    assert {labels: value for (each, labels), value in scrape.samples.items() if each == name} == {
        (("http_route", "other"),): 30,
        (("http_route", "/page/{file}"),): 1,
        (("http_route", "/api/messages"),): 2,
        (("http_route", "/api/stream"),): 1,
    }


async def test_appends_are_counted_with_their_conflicts(open_room: OpenRoom) -> None:
    """Each attempt is counted; one that another record preceded is a conflict besides."""
    log = FaultyLog(MemoryLog())
    measured = await open_measured(open_room, event_log=log)
    before = await measured.scrape()
    ada = await measured.room.register()
    log.contest()
    await measured.room.post("/api/messages", {"content": "x"}, agent=ada)
    after = await measured.scrape()
    conflicts = after.value("chatr_append_conflicts_total")
    count = "chatr_append_duration_seconds_count"

    assert before.value("chatr_append_conflicts_total") == 0
    assert conflicts is not None
    assert conflicts >= 1
    assert (after.value(count) or 0) - (before.value(count) or 0) == 1 + conflicts


async def test_streams_are_counted_by_kind(open_room: OpenRoom) -> None:
    """Live streams and requests that wait for a message are counted apart, beside the limit."""
    measured = await open_measured(open_room, max_streams=7)
    url = measured.room.running.url
    async with watching(url) as live, connected(url) as (_, writer):
        await live.frame()
        writer.write(request("/api/messages?after=1&wait=20"))
        async with asyncio.timeout(10):
            while (scrape := await measured.scrape()).value("chatr_streams", kind="waiting") != 1:
                pass

    assert (scrape.value("chatr_streams", kind="live"), scrape.value("chatr_streams", kind="behind")) == (1, 0)
    assert scrape.value("chatr_max_streams") == 7
    assert scrape.value("chatr_connections") == 2


@pytest.mark.long
async def test_evictions_are_counted_by_reason(open_room: OpenRoom) -> None:
    """A watcher that takes nothing, one that takes too little, those of a replaced log, and those who may not read
    any longer are counted apart.
    """
    hub = Hub(stall_timeout=0.0)
    measured = await open_measured(open_room, hub=hub)
    stalled, _ = joined(hub)
    await hub.tick()
    hub.drop_all()
    slow, watcher = joined(hub)
    publish_now(hub, b"x" * (MAX_WAITING_BYTES + 1))
    watcher.connection_lost(None)
    joined(hub)
    await hub.drop_readers(lambda _: False)
    scrape = await measured.scrape()
    counted = {reason: scrape.value("chatr_stream_evictions_total", reason=reason) for reason in EVICTION_REASONS}

    assert (stalled.aborted, slow.aborted) == (True, True)
    assert counted == {"stalled": 1, "too_much_waiting": 1, "log_replaced": 1, "reading_needs_key": 1}


async def test_agents_are_counted_by_state(open_room: OpenRoom) -> None:
    """Registered agents, and those of them that are online or suspended."""
    measured = await open_measured(open_room)
    ada, bob, _ = [await measured.room.register(name) for name in ("Ada", "Bob", "Cy")]
    for path, agent in (("heartbeat", ada), ("heartbeat", bob), ("disconnect", bob)):
        await measured.room.post(f"/api/{path}", agent=agent)
    for name, until in (("Ada", START), ("Cy", None)):
        suspend = Suspend(agent_id(name), until, "It posts advertisements.", "grace", START - 1)
        await measured.room.running.node.commands.handle(suspend)
    scrape = await measured.scrape()

    assert scrape.value("chatr_agents", state="registered") == 3
    # The suspension of Ada has ended, but it has done nothing since.
    assert scrape.value("chatr_agents", state="online") == 0
    assert scrape.value("chatr_agents", state="suspended") == 1


async def test_a_store_that_is_away_is_down_until_it_is_back(open_room: OpenRoom) -> None:
    """Meanwhile the lag is unknown, so it is left out; everything else is shown as before."""
    log = FaultyLog(MemoryLog())
    measured = await open_measured(open_room, event_log=log)
    log.fail("head", LogUnavailable("away"))
    away = await measured.scrape()
    log.heal()
    back = await measured.scrape()

    assert [each.value("chatr_store_up") for each in (away, back)] == [0, 1]
    assert [each.value("chatr_follow_lag_records") for each in (away, back)] == [None, 0]
    assert away.value("chatr_position") == back.value("chatr_position")


async def test_a_store_that_cannot_be_written_is_down(open_room: OpenRoom) -> None:
    """A full disk may still be read; ten seconds after the last failure it is tried again."""
    log = FaultyLog(MemoryLog())
    measured = await open_measured(open_room, event_log=log)
    log.fail("append", LogUnavailable("full"))
    await measured.room.post("/api/register", {"name": "Ada"})
    full = await measured.scrape()
    measured.room.clock.advance(10 * SECOND)

    assert (full.value("chatr_store_up"), full.value("chatr_follow_lag_records")) == (0, 0)
    assert (await measured.scrape()).value("chatr_store_up") == 1


async def test_the_lag_is_what_is_not_folded(open_room: OpenRoom) -> None:
    """While a node still reads its log, the metrics are served, and the lag shrinks with what was read."""
    memory = MemoryLog()
    writer = node_on(memory)
    following = asyncio.create_task(writer.follower.run())
    await (await register_agent(writer)).post("Hello!")
    following.cancel()
    log = FaultyLog(memory)
    hold = log.hold("tail")
    opening: list[Any] = []

    async def open_held() -> None:
        opening.append(await open_measured(open_room, event_log=log))

    # The address is logged at once, and `open_measured` returns when the room is open.
    task = asyncio.create_task(open_held())
    await hold.reached.wait()
    node = node_on(log)
    state = NodeState(node, log, SettableClock(), RecordCounts())
    await state.ask_store()
    behind = state.lag
    hold.release()
    await task
    scrape = await opening[0].scrape()

    assert behind == writer.room.position
    assert scrape.value("chatr_follow_lag_records") == 0


def test_a_room_that_opens_its_log_shows_what_it_has() -> None:
    """Before there is a node and a web server, counts and the metrics of the process are served."""
    text = Exposition(Sources()).text().decode()

    assert "chatr_refusals_total" in text
    assert "process_start_time_seconds" in text
    assert "chatr_position" not in text


async def test_what_a_start_reads_is_not_counted(open_room: OpenRoom, tmp_path: Path) -> None:
    """Records from before the start count nothing; the age of the last one is known, also from a checkpoint."""
    settings = Settings(**(OPEN_SETTINGS | {"log": f"sqlite:///{tmp_path}/chatr.db"}))
    async with running_room(settings, clock=SettableClock()) as before:
        await (await register_agent(before.node)).post("Hello!")
    clock = SettableClock()
    clock.advance(HOUR)
    measured = await open_measured(open_room, log=settings.log, clock=clock)
    scrape = await measured.scrape()
    age = scrape.value("chatr_head_age_seconds")

    assert scrape.value("chatr_position") == before.node.room.position
    assert scrape.sum("chatr_records_total") == 0
    assert age is not None
    assert age > 0


async def test_the_age_of_the_head_is_that_of_the_last_record(open_room: OpenRoom) -> None:
    """It grows until the next record."""
    measured = await open_measured(open_room)
    await measured.room.register()
    measured.room.clock.advance(90 * SECOND)
    old = await measured.scrape()
    await measured.room.register("Bob")

    assert old.value("chatr_head_age_seconds") == 90
    assert (await measured.scrape()).value("chatr_head_age_seconds") == 0


async def test_the_age_of_a_head_that_was_not_folded_is_read(open_room: OpenRoom) -> None:
    """A node that started from a checkpoint asks the log for the time of the last record."""
    memory = MemoryLog()
    node = node_on(memory)
    following = asyncio.create_task(node.follower.run())
    await (await register_agent(node)).post("Hello!")
    following.cancel()
    (last,) = await memory.pick([node.room.position])
    clock = SettableClock()
    clock.advance(last.at + MINUTE - clock.now())
    state = NodeState(node, memory, clock, RecordCounts())
    unknown = state.head_age()
    await state.ask_store()

    assert (unknown, state.head_age()) == (None, 60)


async def test_rooms_in_one_process_are_counted_apart(open_room: OpenRoom) -> None:
    """There is no registry that all rooms share."""
    one, other = await open_measured(open_room), await open_measured(open_room)
    await one.room.register()

    assert (await one.scrape()).value("chatr_agents", state="registered") == 1
    assert (await other.scrape()).value("chatr_agents", state="registered") == 0
    assert (await other.scrape()).sum("http_server_request_duration_seconds_count") == 0


async def test_a_scrape_does_not_grow_with_the_room() -> None:
    """However many agents there are, about the same number of functions is called."""
    log = MemoryLog()
    node = node_on(log)
    following = asyncio.create_task(node.follower.run())
    text = Exposition(Sources(node=NodeState(node, log, SettableClock(), RecordCounts()))).text
    calls = []
    for number in range(200):
        await register_agent(node, f"Agent{number}")
        if number in (1, 199):
            calls.append(calls_of(text))
    following.cancel()

    assert abs(calls[0] - calls[1]) < 100


def test_a_request_is_counted_by_few_calls() -> None:
    """It is what each post pays: no lock and no look-up of labels."""
    counts = RequestCounts()
    counts.request_answered("/api/messages", 0.001)

    assert calls_of(lambda: counts.request_answered("/api/messages", 0.001)) <= 6


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.0011, 1), (30.0, 13), (31.0, 14)])
def test_a_duration_is_in_the_first_bucket_that_holds_it(seconds: float, bucket: int) -> None:
    """The bound of a bucket belongs to it; what is longer than all bounds is in the last one."""
    durations = Durations()
    durations.add(seconds)

    assert durations.counts.index(1) == bucket
    assert len(durations.counts) == len(BOUNDS) + 1
