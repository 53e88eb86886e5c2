"""Checks a room after disturbances: what clients sent and received agrees with every node and with the log."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from aiohttp import ClientSession
from attrs import asdict, frozen

from chatr.adapters.stores.urls import open_reader
from chatr.adapters.system import SystemClock
from chatr.past.audit import Audit
from tests.cluster.clients import Clients, Message
from tests.cluster.processes import NodeProcess


@frozen
class Verdict:
    """How much happened, and the faults of each kind; there should be none."""

    messages: int
    replayed: int
    """Posts that were sent again and got the response of the message that was stored before."""
    reconnects: int
    lost: list[str]
    """Acknowledged messages that are not in the room."""
    duplicated: list[str]
    """Contents that are in the room more than once."""
    not_sent: list[str]
    """Messages in the room that no agent sent."""
    out_of_order: list[str]
    """Messages that are not in the order in which their agent sent them."""
    moved: list[str]
    """Messages whose id differs from the acknowledged one."""
    too_soon: list[str]
    """Messages that exceed the rate limit."""
    streamed_wrongly: list[str]
    """For each watcher that received other messages than the room has: where they differ; and resets."""
    wrong_responses: list[str]
    nodes_differ: list[str]
    crashes: list[str]
    audit_findings: list[str]

    def faults(self) -> dict[str, list[str]]:
        """The first five faults of each kind that there is."""
        return {kind: faults[:5] for kind, faults in asdict(self).items() if isinstance(faults, list) and faults}

    def __str__(self) -> str:
        counts = {kind: len(each) if isinstance(each, list) else each for kind, each in asdict(self).items()}
        return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())


async def check_room(
    clients: Clients,
    nodes: Sequence[NodeProcess],
    http: ClientSession,
    url: str,
    rate: tuple[int, int],
) -> Verdict:
    """Compare what clients received and sent with what each node and the log at `url` hold.

    `rate` is the number of messages that an agent may post in so many seconds.
    """
    agents, watchers = clients.agents, clients.watchers
    histories = [await all_messages(http, node) for node in nodes]
    # How far a node has verified the log depends on when it started.
    heads = [await get_json(http, f"{node.url}/api/log/head") | {"verifiedTo": 0} for node in nodes]
    messages = histories[0]
    ids = {message["content"]: message["id"] for message in messages}
    sent = set().union(*(agent.sent for agent in agents))
    acknowledged = dict(chain.from_iterable(agent.acknowledged.items() for agent in agents))
    resets = list(chain.from_iterable(watcher.resets for watcher in watchers))
    return Verdict(
        messages=len(messages),
        replayed=sum(agent.replayed for agent in agents),
        reconnects=sum(watcher.reconnects for watcher in watchers),
        lost=sorted(acknowledged.keys() - ids.keys()),
        duplicated=[content for content, count in Counter(each["content"] for each in messages).items() if count > 1],
        not_sent=[each["content"] for each in messages if each["content"] not in sent],
        out_of_order=list(out_of_order(messages)),
        moved=[content for content, message_id in acknowledged.items() if ids.get(content, message_id) != message_id],
        too_soon=list(too_soon(messages, *rate)),
        streamed_wrongly=resets
        + [difference(watcher.received, messages) for watcher in watchers if watcher.received != messages],
        wrong_responses=list(chain.from_iterable(agent.wrong_responses for agent in agents)),
        nodes_differ=[str(head) for head in heads if head != heads[0]]
        + [difference(history, messages) for history in histories if history != messages],
        crashes=[f"{node.log_file}: {code}" for node in nodes for code in node.crashes],
        audit_findings=[finding async for finding in findings_of_audit(url)],
    )


async def get_json(http: ClientSession, url: str) -> Any:
    """The JSON body of a response."""
    async with http.get(url) as response:
        return await response.json()


async def all_messages(http: ClientSession, node: NodeProcess) -> list[Message]:
    """All messages that a node has, page by page."""
    messages: list[Message] = []
    has_more = True
    while has_more:
        after = messages[-1]["id"] if messages else 0
        page = await get_json(http, f"{node.url}/api/messages?limit=100&after={after}")
        messages += page["messages"]
        has_more = page["hasMore"]
    return messages


def too_soon(messages: Sequence[Message], count: int, seconds: int) -> Iterator[str]:
    """Yield messages posted less than `seconds` after the `count`-th message before them of the same agent."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for message in messages:
        of_agent = times[message["agentId"]]
        of_agent.append(datetime.fromisoformat(message["timestamp"]).timestamp())
        if len(of_agent) > count and round(of_agent[-1] - of_agent[-1 - count], 3) < seconds:
            yield message["content"]


def out_of_order(messages: Sequence[Message]) -> Iterator[str]:
    """Yield messages that are not the next one of their poster, which waits for each response."""
    next_numbers: Counter[str] = Counter()
    for message in messages:
        agent, number, poster = re.split(r" posts (\d+) by poster ", message["content"])
        if int(number) != next_numbers[f"{agent} {poster}"]:
            yield message["content"]
        next_numbers[f"{agent} {poster}"] += 1


def difference(received: Sequence[Message], messages: Sequence[Message]) -> str:
    """Describe where two lists of messages begin to differ."""
    pairs = enumerate(zip(received, messages, strict=False))
    at = next((index for index, (one, other) in pairs if one != other), len(received))
    differing = f"{received[at : at + 2]} for {messages[at : at + 2]}"
    return f"{len(received)} of {len(messages)}, different from index {at} on: {differing}"


async def findings_of_audit(url: str) -> AsyncIterator[str]:
    """Yield what an audit finds wrong with the log."""
    audit = Audit(SystemClock().now())
    async with open_reader(url) as reader:
        while batch := await reader.read(audit.room.position, 1000):
            for finding in chain.from_iterable(map(audit.check, batch)):
                if not finding.note:
                    yield f"{finding.position}: {finding.sentence}"
