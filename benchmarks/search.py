"""Measures how messages are searched: python -m benchmarks.search [--messages 1000000].

A SQLite log is made of messages in several languages, as long as those of agents, with words as frequent as in natural
texts. A server starts on it without an index, and the queries are asked once the index is complete: by the node and not
over HTTP, which costs as much as for any page. The worst ones are made of words that nearly every message has.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.startup import write_log
from chatr.app import background, running_room
from chatr.cli.garbage_collection import collect_regularly, set_thresholds
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted, MessagePosted
from chatr.domain.limits import SECOND, Limit, Limits
from chatr.node.message_search import MessageSearch
from chatr.search_types import SearchTooSlow, SearchUnavailable
from chatr.settings import Settings

START = 1_767_225_600_000
"""2026-01-01 in milliseconds since 1970."""
REPEATS = 7
LATIN, CYRILLIC, HAN = "abcdefghijklmnopqrstuvwxyz", "абвгдежзиклмнопрстуфхцчшыя", 0x4E00


class Texts:
    """Makes messages of words whose frequency is the inverse of their rank, 65 % Latin, 20 % Chinese, 15 % others."""

    def __init__(self) -> None:
        self._random = Random(1)
        self.latin, self.cyrillic = self._words(LATIN), self._words(CYRILLIC)
        self.han = [chr(HAN + number) for number in range(3_000)]
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self.latin) + 1)))

    def _words(self, letters: str) -> list[str]:
        return ["".join(self._random.choices(letters, k=2 + rank % 9)) for rank in range(30_000)]

    def next(self) -> str:
        """The next message, about a hundred characters long."""
        match self._random.random():
            case share if share < 0.65:
                return " ".join(self._choose(self.latin, 16))
            case share if share < 0.85:
                return "".join(self._choose(self.han, 40))
            case share if share < 0.95:
                return " ".join(self._choose(self.cyrillic, 15))
            case _:
                return "café 🎉 " + " ".join(self._choose(self.latin, 14))

    def _choose(self, words: list[str], count: int) -> list[str]:
        return self._random.choices(words, cum_weights=self._weights[: len(words)], k=count)

    def queries(self) -> dict[str, str]:
        """Queries by what is special about them."""
        return {
            "a rare word": self.latin[20_000],
            "a word that is nowhere": "zzzqqqzzz",
            "a common word": self.latin[3],
            "two common words": " ".join(self.latin[2:4]),
            "one Chinese character": self.han[5],
            "two Chinese characters": "".join(self.han[5:7]),
            "a word with an accent, without it": "cafe",
            "an emoji": "🎉",
            "worst: five common words, one that is not with them": " ".join([*self.latin[:5], self.cyrillic[0]]),
            "worst: eight common words": " ".join(self.latin[:8]),
            "worst: 32 Chinese characters": "".join(self.han[:32]),
            "worst: 32 times the most common one": self.han[0] * 32,
            "worst: 32 common words as a phrase": ".".join(self.latin[:2] * 16),
        }


def events(texts: Texts, messages: int) -> Iterator[Event]:
    """Yield the limits, an agent, and its messages."""
    yield LimitsAdopted(Limits(Limit(1_000, SECOND), Limit(1_000, SECOND)), START)
    yield AgentRegistered(agent_id("Ada"), "Ada", None, "0" * 64, START)
    for number in range(messages):
        yield MessagePosted(agent_id("Ada"), texts.next(), None, START + number)


async def record_longest_pause(pauses: list[float]) -> None:
    """Append each time in seconds for which the loop did nothing else, as benchmarks.loop_pauses does."""
    while True:
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(0.002)
        pauses.append(min(time.monotonic() - began - 0.002, time.process_time() - cpu))


async def wait_until_complete(search: MessageSearch) -> None:
    """Wait until the index can be searched."""
    while True:
        try:
            await search.find("word", (None, None), 1)
        except SearchUnavailable:
            await asyncio.sleep(0.05)
        else:
            return


async def milliseconds_of(search: MessageSearch, query: str) -> tuple[float, int | str]:
    """Return the median time of a search for the newest 50, and how many were found, or that it was stopped."""
    times, found = list[float](), 0
    for _ in range(REPEATS):
        began = time.perf_counter()
        try:
            found = len((await search.find(query, (None, None), 50)).positions)
        except SearchTooSlow:
            return (time.perf_counter() - began) * 1e3, "stopped"
        times.append((time.perf_counter() - began) * 1e3)
    return median(times), found


async def measure(messages: int) -> dict[str, object]:
    """Make a log, let a server index it, and ask all queries."""
    texts, pauses = Texts(), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        await write_log(path, events(texts, messages))
        # As `chatr serve` does: otherwise full collections of the room would be measured.
        set_thresholds()
        async with (
            background(collect_regularly()),
            running_room(Settings(log=f"sqlite:///{path}", port=0)) as room,
        ):
            assert room.node.search is not None
            began, cpu = time.perf_counter(), time.process_time()
            async with background(record_longest_pause(pauses)):
                await wait_until_complete(room.node.search)
            build, build_cpu = time.perf_counter() - began, time.process_time() - cpu
            size = sum(each.stat().st_size for each in Path(folder).glob("*.search*"))  # noqa: ASYNC240 -- as above
            asked = {what: await milliseconds_of(room.node.search, query) for what, query in texts.queries().items()}
    return {
        "messages": messages,
        "build_s": round(build, 1),
        "build_cpu_s": round(build_cpu, 1),
        "longest_pause_ms": round(max(pauses, default=0) * 1e3, 1),
        "bytes_a_message": round(size / messages),
        "queries_ms": {what: round(milliseconds, 2) for what, (milliseconds, _) in asked.items()},
        "found": {what: found for what, (_, found) in asked.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1_000_000)
    figures = asyncio.run(measure(parser.parse_args().messages))
    queries, found = figures["queries_ms"], figures["found"]
    assert isinstance(queries, dict)
    assert isinstance(found, dict)
    print(f"{figures['messages']:,} messages: indexed in {figures['build_s']} s ({figures['build_cpu_s']} s of CPU)")
    print(f"the event loop paused for at most {figures['longest_pause_ms']} ms meanwhile")
    print(f"{figures['bytes_a_message']} bytes a message on disk")
    for what, milliseconds in queries.items():
        print(f"{milliseconds:8.2f} ms  {found[what]!s:>7}  {what}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
