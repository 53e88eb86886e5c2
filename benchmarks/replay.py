"""Measures how fast a log is read, decoded and folded, beside the PyPI library `eventsourcing` with as many events.

Both store them in SQLite files. The library folds them into its aggregates in three ways: as its users do
(`repository.get`), from its notification log, and from its recorder, a thousand at a time, which is the shortest way
there is. The last two also build what a room of chatr builds, except presence and the chain hash.

Each round measures every way, in seconds of processor time, in a process of its own that replays a few times, so that
none finds the memory as another left it. The best result of each counts: other users of the machine can only slow it
down.

Usage: pip install -e ".[bench]" && python benchmarks/replay.py [--messages N] [--agents N] [--rounds N]
"""

import argparse
import asyncio
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

from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.cli.garbage_collection import set_thresholds
from chatr.domain.events import AgentRegistered, MessagePosted
from chatr.domain.identity import AgentId
from chatr.domain.limits import MESSAGES_IN_MEMORY, Limits
from chatr.domain.message_times import MessageTimes
from chatr.domain.time_index import TimeIndex
from chatr.past.replay import fold_until

PAGE = 1_000
POSTS_REMEMBERED = Limits().post_times_needed
CHATR = "chatr"
REPEATS = 3
"""Replays in each process; the fastest counts."""


class Member(Aggregate):
    """An agent as an aggregate of the library."""

    def __init__(self, name: str, avatar: str | None, key_digest: str) -> None:
        self.name = name
        self.avatar = avatar
        self.key_digest = key_digest
        self.last_seen = 0
        self.posted: tuple[int, ...] = ()

    class Posted(Aggregate.Event):
        """A message was posted."""

        content: str
        idempotency_key: str | None
        at: int

        def apply(self, member: "Member") -> None:
            """Change the agent as chatr's fold does."""
            member.last_seen = self.at
            member.posted = (*member.posted, self.at)[-POSTS_REMEMBERED:]


class Peer(Application[UUID]):
    """The library with a SQLite file."""

    def __init__(self, path: Path) -> None:
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})

    def fill(self, agents: int, messages: int) -> list[UUID]:
        """Store the same events as chatr's log has, and return the ids of the aggregates."""
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

    def replay_by_repository(self, ids: Iterable[UUID]) -> int:
        """Fold every aggregate and return the number of events."""
        return sum(self.repository.get(id_).version for id_ in ids)

    def replay_by_notification_log(self) -> int:
        """Fold the notification log and return the number of events."""
        return self._fold(NotificationLogReader(self.notification_log).select(start=1))

    def replay_by_recorder(self) -> int:
        """Fold what the recorder reads and return the number of events."""
        return self._fold(self._pages())

    def _pages(self) -> Iterator[Sequence[Notification]]:
        start = 1
        while page := self.recorder.select_notifications(start, PAGE):
            yield page
            start = page[-1].id + 1

    def _fold(self, pages: Iterable[Sequence[Notification]]) -> int:
        """Build what a room builds: agents, positions and times of messages, the newest messages, time index."""
        members: dict[UUID, Any] = {}
        positions, newest = array("q"), deque[Any](maxlen=MESSAGES_IN_MEMORY)
        times, time_index = MessageTimes(), TimeIndex()
        for page in pages:
            for notification in page:
                event: Any = self.mapper.to_domain_event(notification)
                members[event.originator_id] = event.mutate(members.get(event.originator_id))
                if isinstance(event, Member.Posted):
                    positions.append(notification.id)
                    newest.append(event)
                    times.apply(event.at)
                    time_index.apply(notification.id, event.at)
        return len(positions) + len(members)


def replay_chatr(path: Path) -> int:
    """Fold a log of chatr and return the number of its records."""

    async def replay() -> int:
        async with sqlite_reader(path) as log:
            return (await fold_until(log, await log.head())).position

    return asyncio.run(replay())


def replay_by_repository(path: Path, ids: Iterable[UUID]) -> int:
    """Open the library's file and fold every aggregate."""
    return Peer(path).replay_by_repository(ids)


def replay_by_notification_log(path: Path) -> int:
    """Open the library's file and fold its notification log."""
    return Peer(path).replay_by_notification_log()


def replay_by_recorder(path: Path) -> int:
    """Open the library's file and fold what its recorder reads."""
    return Peer(path).replay_by_recorder()


def best_rate(replay: Callable[[], int]) -> float:
    """Return the events per second of processor time of the fastest of REPEATS replays."""
    # As chatr's commands have it; the library profits as well.
    set_thresholds()
    return max(map(rate, repeat(replay, REPEATS)))


def rate(replay: Callable[[], int]) -> float:
    """Replay once and return the events per second of processor time."""
    began = time.process_time()
    return replay() / (time.process_time() - began)


def measure(agents: int, messages: int, rounds: int) -> dict[str, float]:
    """Return the best rate of each kind of replay."""
    with tempfile.TemporaryDirectory() as folder, process_for_each_call() as processes:
        ours, theirs = Path(folder) / "chatr.db", Path(folder) / "peer.db"
        asyncio.run(fill(ours, agents, messages))
        with closing(Peer(theirs)) as peer:
            ids = peer.fill(agents, messages)
        ways = {
            CHATR: partial(replay_chatr, ours),
            "eventsourcing, repository": partial(replay_by_repository, theirs, ids),
            "eventsourcing, notification log": partial(replay_by_notification_log, theirs),
            "eventsourcing, recorder": partial(replay_by_recorder, theirs),
        }
        measured = [
            {name: processes.submit(best_rate, way).result() for name, way in ways.items()} for _ in range(rounds)
        ]
    return {name: max(rates[name] for rates in measured) for name in ways}


def process_for_each_call() -> ProcessPoolExecutor:
    """Return an executor that starts a new process for each call."""
    return ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)


def main() -> None:
    """Measure and print a table, then the events per second as JSON."""
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
