"""What looks at the past cost the log, and what they answer when it cannot be read."""

import asyncio
from contextlib import nullcontext

import pytest

from chatr.adapters.http.moments import AT_A_TIME
from chatr.adapters.memory import MemoryLog
from chatr.domain.limits import MINUTE, Limit
from chatr.past import BATCH
from chatr.ports import Stored, Unavailable
from tests.conftest import Answer, OpenRoom, Room


class AwayLog(MemoryLog):
    """A log in memory whose store goes away, or answers when it is allowed to. Counts what the tail does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.reads = 0
        self.at_a_time = 0
        self.most_at_a_time = 0

    async def read(self, after: int, limit: int) -> list[Stored]:
        return await (super().read(after, limit) if limit == BATCH else self.look(after, limit))

    async def look(self, after: int, limit: int) -> list[Stored]:
        self.reads += 1
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        try:
            await self.answering.wait()
        finally:
            self.at_a_time -= 1
        if self.away:
            raise Unavailable("the store is away")
        return await super().read(after, limit)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> AwayLog:
    log = AwayLog()
    monkeypatch.setattr("chatr.app.open_log", lambda _url: nullcontext(log))
    return log


async def ask(room: Room, position: int) -> Answer:
    return await room.get("/api/at", params={"position": position})


async def test_a_store_that_is_away(log: AwayLog, open_room: OpenRoom) -> None:
    """Where the log is needed and cannot be read, the answer is to come back later; then it is there again."""
    room = await open_room()
    message = await room.say(await room.register(), "first")
    log.away = True
    away = await ask(room, int(message["id"]))
    log.away = False
    back = await ask(room, int(message["id"]))

    assert (away.status, away.json["code"], away.headers["Retry-After"]) == (503, "storage_unavailable", "5")
    assert back.status == 200


async def test_what_was_is_kept(log: AwayLog, open_room: OpenRoom) -> None:
    """Whoever asks for the same moment again costs the log one look at the record there."""
    room = await open_room()
    ada = await room.register()
    first = await room.say(ada, "first")
    await room.say(ada, "second")
    answers, reads = [], []
    for _ in range(3):
        before = log.reads
        answers.append((await ask(room, int(first["id"]))).raw)
        reads.append(log.reads - before)

    assert len(set(answers)) == 1
    assert reads[0] > reads[1] == reads[2] == 1


async def test_only_so_much_is_kept(log: AwayLog, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few answers are remembered: the one that nobody has asked for longest makes room for the next."""
    monkeypatch.setattr("chatr.adapters.http.moments.KEPT", 2)
    room = await open_room()
    ada = await room.register()
    for content in ("first", "second"):
        await room.say(ada, content)
    reads = []
    for position in (1, 2, 1, 3, 1, 2):
        before = log.reads
        await ask(room, position)
        reads.append(log.reads - before)

    assert [count == 1 for count in reads] == [False, False, True, False, True, False]


async def test_few_look_at_a_time(log: AwayLog, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask for the past, few read the log; whoever waits too long is told to come back."""
    monkeypatch.setattr("chatr.adapters.http.moments.WITHIN", 0.2)
    room = await open_room()
    await room.say(await room.register(), "first")
    log.answering.clear()
    answers = await asyncio.gather(*(ask(room, position) for position in (1, 2, 3, 1, 2, 3)))
    log.answering.set()

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(503, "overloaded")}
    assert log.most_at_a_time == AT_A_TIME
    assert (await ask(room, 3)).status == 200


async def test_what_would_take_too_long(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more lies about a moment than is read for a look, that is said at once."""
    ada = await room.register()
    message = await room.say(ada, "first")
    await room.say(ada, "second")
    monkeypatch.setattr("chatr.glimpse.BLOCKS_READ", 0)
    answer = await ask(room, int(message["id"]))

    assert (answer.status, answer.json["code"]) == (422, "too_much_at_once")


async def test_a_look_counts_as_a_request(open_room: OpenRoom) -> None:
    """The past is asked within the same limit as everything else."""
    room = await open_room(rate_requests=Limit(1, MINUTE))
    answers = [await ask(room, 1), await ask(room, 1)]

    assert [answer.status for answer in answers] == [200, 429]
