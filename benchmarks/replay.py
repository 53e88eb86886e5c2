"""How fast a log is read, decoded and folded, beside the PyPI library `eventsourcing` with as many events of its own.

Both keep them in SQLite files. The library folds them into its aggregates: as its users do (`repository.get`), from its
notification log, and by the shortest way there is, its recorder, a thousand at a time. Beside the aggregates the last
two keep what a room of chatr keeps, but for presence and the digest of the log. Each round measures all of them, in
seconds of processor time, each in a process of its own that replays a few times, so that none finds memory as another
left it. Each one's best counts: whoever else uses the machine can only slow it down.

Usage: pip install -e ".[bench]" && python benchmarks/replay.py [--messages N] [--agents N] [--rounds N]
"""

import argparse
import asyncio
import gc
import json
import tempfile
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Notification
from eventsourcing.system import NotificationLogReader
from startup import events, fill

from chatr.adapters.sqlite import sqlite_reader
from chatr.cli import COLLECT_AFTER
from chatr.domain.activity import Activity
from chatr.domain.chronicle import Chronicle
from chatr.domain.events import AgentId, AgentRegistered, MessagePosted
from chatr.domain.limits import MESSAGES_KEPT, Limits
from chatr.past import room_at

PAGE = 1_000
POSTS_REMEMBERED = Limits().posts_remembered
CHATR = "chatr"
REPEATS = 3


class Member(Aggregate):
    """An agent, modelled as the library would have it."""

    def __init__(self, name: str, avatar: str | None, key_digest: str) -> None:
        self.name = name
        self.avatar = avatar
        self.key_digest = key_digest
        self.last_seen = 0
        self.posted: tuple[int, ...] = ()

    class Posted(Aggregate.Event):
        content: str
        idempotency_key: str | None
        at: int

        def apply(self, member: "Member") -> None:
            member.last_seen = self.at
            member.posted = (*member.posted, self.at)[-POSTS_REMEMBERED:]


class Peer(Application[UUID]):
    """The library, on a file of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})

    def fill(self, agents: int, messages: int) -> list[UUID]:
        """Gives the ids of its aggregates."""
        members: dict[AgentId, Member] = {}
        for number, event in enumerate(events(agents, messages)):
            match event:
                case AgentRegistered():
                    members[event.agent] = Member(event.name, event.avatar, event.key_digest)
                case MessagePosted(agent, content, key, at):
                    members[agent].trigger_event(Member.Posted, content=content, idempotency_key=key, at=at)
            if number % PAGE == 0:
                self.save(*members.values())
        self.save(*members.values())
        return [member.id for member in members.values()]

    def by_repository(self, ids: Iterable[UUID]) -> int:
        return sum(self.repository.get(each).version for each in ids)

    def by_log(self) -> int:
        return self.folded(NotificationLogReader(self.notification_log).select(start=1))

    def by_recorder(self) -> int:
        return self.folded(self.pages())

    def pages(self) -> Iterator[Sequence[Notification]]:
        start = 1
        while page := self.recorder.select_notifications(start, PAGE):
            yield page
            start = page[-1].id + 1

    def folded(self, pages: Iterable[Sequence[Notification]]) -> int:
        """Everybody's state, where each message stands, the newest of them, and how much happened when."""
        members: dict[UUID, Any] = {}
        positions, newest = array("q"), deque[Any](maxlen=MESSAGES_KEPT)
        activity, chronicle = Activity(), Chronicle()
        for page in pages:
            for notification in page:
                event: Any = self.mapper.to_domain_event(notification)
                members[event.originator_id] = event.mutate(members.get(event.originator_id))
                if isinstance(event, Member.Posted):
                    positions.append(notification.id)
                    newest.append(event)
                    activity.apply(event.at)
                    chronicle.apply(notification.id, event.at)
        return len(positions) + len(members)


def by_chatr(path: Path) -> int:
    async def replay() -> int:
        async with sqlite_reader(path) as log:
            return (await room_at(log, await log.head())).position

    return asyncio.run(replay())


def by_repository(path: Path, ids: Iterable[UUID]) -> int:
    return Peer(path).by_repository(ids)


def by_log(path: Path) -> int:
    return Peer(path).by_log()


def by_recorder(path: Path) -> int:
    return Peer(path).by_recorder()


def rate(replay: Callable[[], int]) -> float:
    """Events per second of processor time, at best."""
    gc.set_threshold(COLLECT_AFTER)
    return max(map(once, repeat(replay, REPEATS)))


def once(replay: Callable[[], int]) -> float:
    began = time.process_time()
    return replay() / (time.process_time() - began)


def measure(agents: int, messages: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, fresh() as processes:
        ours, theirs = Path(folder) / "chatr.db", Path(folder) / "peer.db"
        asyncio.run(fill(ours, agents, messages))
        with closing(Peer(theirs)) as peer:
            ids = peer.fill(agents, messages)
        ways = {
            CHATR: partial(by_chatr, ours),
            "eventsourcing, repository": partial(by_repository, theirs, ids),
            "eventsourcing, notification log": partial(by_log, theirs),
            "eventsourcing, recorder": partial(by_recorder, theirs),
        }
        measured = [{name: processes.submit(rate, way).result() for name, way in ways.items()} for _ in range(rounds)]
    return {name: max(each[name] for each in measured) for name in ways}


def fresh() -> ProcessPoolExecutor:
    """Runs one thing in each process."""
    return ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rates = measure(options.agents, options.messages, options.rounds)
    print(f"{'':32}{'events/s':>10}{'chatr is':>10}")
    for name, events_per_second in rates.items():
        print(f"{name:32}{events_per_second:>10,.0f}{rates[CHATR] / events_per_second:>9.1f}x")
    print(json.dumps({name: round(each) for name, each in rates.items()}))


if __name__ == "__main__":
    main()
