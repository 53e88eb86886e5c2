"""What must hold of a room after whatever was done to it."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from aiohttp import ClientSession
from attrs import asdict, frozen

from chatr.adapters.system import SystemClock
from chatr.app import open_reader
from chatr.audit import Audit
from tests.cluster.processes import NodeProcess
from tests.cluster.visitors import Said, Visitors


@frozen
class Verdict:
    """What there was, and the faults of each kind; there should be none."""

    messages: int
    replayed: int
    returns: int
    lost: list[str]
    doubled: list[str]
    ghosts: list[str]
    disordered: list[str]
    moved: list[str]
    too_fast: list[str]
    misheard: list[str]
    mistaken: list[str]
    disagreeing: list[str]
    ended: list[str]
    forbidden: list[str]

    def faults(self) -> dict[str, list[str]]:
        return {kind: these[:5] for kind, these in asdict(self).items() if isinstance(these, list) and these}

    def __str__(self) -> str:
        counts = {kind: len(each) if isinstance(each, list) else each for kind, each in asdict(self).items()}
        return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())


async def judged(
    visitors: Visitors,
    nodes: Sequence[NodeProcess],
    http: ClientSession,
    url: str,
    rate: tuple[int, int],
) -> Verdict:
    agents, watchers = visitors.agents, visitors.watchers
    histories = [await everything(http, node) for node in nodes]
    heads = [await fetched(http, f"{node.url}/api/log/head") for node in nodes]
    said = histories[0]
    ids = {message["content"]: message["id"] for message in said}
    asked = set().union(*(agent.asked for agent in agents))
    acknowledged = dict(chain.from_iterable(agent.acknowledged.items() for agent in agents))
    resets = list(chain.from_iterable(watcher.resets for watcher in watchers))
    return Verdict(
        messages=len(said),
        replayed=sum(agent.replayed for agent in agents),
        returns=sum(watcher.returns for watcher in watchers),
        lost=sorted(acknowledged.keys() - ids.keys()),
        doubled=[content for content, times in Counter(each["content"] for each in said).items() if times > 1],
        ghosts=[each["content"] for each in said if each["content"] not in asked],
        disordered=list(disordered(said)),
        moved=[content for content, message in acknowledged.items() if ids.get(content, message) != message],
        too_fast=list(too_fast(said, *rate)),
        misheard=resets + [difference(watcher.heard, said) for watcher in watchers if watcher.heard != said],
        mistaken=list(chain.from_iterable(agent.mistaken for agent in agents)),
        disagreeing=[str(head) for head in heads if head != heads[0]]
        + [difference(history, said) for history in histories if history != said],
        ended=[f"{node.diary}: {code}" for node in nodes for code in node.ended_by_itself],
        forbidden=[finding async for finding in audited(url)],
    )


async def fetched(http: ClientSession, url: str) -> Any:
    async with http.get(url) as reply:
        return await reply.json()


async def everything(http: ClientSession, node: NodeProcess) -> list[Said]:
    """All that was said, as this node tells it."""
    said: list[Said] = []
    more = True
    while more:
        page = await fetched(http, f"{node.url}/api/messages?limit=100&after={said[-1]['id'] if said else 0}")
        said += page["messages"]
        more = page["hasMore"]
    return said


def too_fast(said: Sequence[Said], count: int, seconds: int) -> Iterator[str]:
    """Messages that an agent sent less than `seconds` after the message that was its `count`-th before that one."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for message in said:
        spoken = times[message["agentId"]]
        spoken.append(datetime.fromisoformat(message["timestamp"]).timestamp())
        if len(spoken) > count and round(spoken[-1] - spoken[-1 - count], 3) < seconds:
            yield message["content"]


def disordered(said: Sequence[Said]) -> Iterator[str]:
    """Messages that stand before one that their agent said earlier, with the same voice: it waits for each answer."""
    next_ones: Counter[str] = Counter()
    for message in said:
        speaker, number, voice = re.split(r" says (\d+) in voice ", message["content"])
        if int(number) != next_ones[f"{speaker} {voice}"]:
            yield message["content"]
        next_ones[f"{speaker} {voice}"] += 1


def difference(heard: Sequence[Said], said: Sequence[Said]) -> str:
    """Where one history leaves the other."""
    at = next((n for n, (one, other) in enumerate(zip(heard, said, strict=False)) if one != other), len(heard))
    return f"{len(heard)} of {len(said)}, other from {at} on: {heard[at : at + 2]} for {said[at : at + 2]}"


async def audited(url: str) -> AsyncIterator[str]:
    """What the auditor finds wrong with the log: a forbidden record, a broken chain."""
    audit = Audit(SystemClock().now())
    async with open_reader(url) as reader:
        while batch := await reader.read(audit.room.position, 1000):
            for finding in chain.from_iterable(map(audit.check, batch)):
                if not finding.note:
                    yield f"{finding.position}: {finding.sentence}"
