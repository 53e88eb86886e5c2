"""What a running server shows, to be compared with its log."""

import asyncio
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from aiohttp import ClientError, ClientResponseError, ClientSession, ClientTimeout
from attrs import frozen

from chatr.adapters.http import render
from chatr.audit import Finding, Head
from chatr.domain.limits import SECOND
from chatr.domain.room import Room

TRIES: Final = 10
"""A room in which much is said moves on while it is asked."""
PAUSE: Final = 0.25
TIMEOUT: Final = ClientTimeout(total=10)
PAGE: Final = 100

Json = dict[str, Any]


class NoRoom(Exception):
    """No room answers at that address. The text is one sentence."""


@frozen
class Live:
    """What a server shows, somewhen between `since` and `until` by its own clock; `still`: at `head` all the while."""

    head: Head
    log_id: str
    stats: Mapping[str, int]
    agents: list[Json]
    messages: list[Json]
    since: int
    until: int
    still: bool


async def live(url: str, least: int) -> Live:
    """What is shown at position `least` or later, if the server gets there. Raises NoRoom."""
    try:
        async with ClientSession(f"{url}/", timeout=TIMEOUT, raise_for_status=True) as room:
            for _ in range(TRIES):
                shown = await look(room)
                if shown.still and shown.head.position >= least:
                    break
                await asyncio.sleep(PAUSE)
            return shown
    except (ClientError, TimeoutError, ValueError, TypeError, KeyError) as error:
        raise NoRoom(f"No room answers at {url}: {reason(error)}.") from error


def reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "it takes too long"
        case ClientResponseError():
            return f"{error.status} {error.message}"
        case ClientError():
            return str(error)
        case _:
            return "what answers there is something else"


async def look(room: ClientSession) -> Live:
    since, before = await get(room, "api/log/head")
    _, page = await get(room, "api/messages", limit=str(PAGE))
    stats, agents = await online(room)
    until, after = await get(room, "api/log/head")
    return Live(
        Head(int(after["position"]), bytes.fromhex(after["digest"])),
        str(after["logId"]),
        stats,
        agents,
        list(page["messages"]),
        since,
        until + SECOND,
        still=before == after,
    )


async def online(room: ClientSession) -> tuple[Mapping[str, int], list[Json]]:
    """The totals, and everybody who is online, page by page."""
    _, page = await get(room, "api/agents")
    found, stats = list(page["agents"]), page["stats"]
    while page["agents"]:
        _, page = await get(room, "api/agents", after=found[-1]["name"])
        found += page["agents"]
    return stats, found


async def get(room: ClientSession, path: str, **query: str) -> tuple[int, Json]:
    """An answer, and the time at which it was given: its `Date` is in whole seconds."""
    async with room.get(path, params=query) as answer:
        at = int(parsedate_to_datetime(answer.headers["Date"]).timestamp()) * SECOND
        return at, dict(await answer.json())


def differences(shown: Live, room: Room) -> Iterator[Finding]:
    """Where what a server shows is not what the log says."""
    if shown.log_id != room.log_id:
        yield Finding(room.position, f"The server follows another log, {shown.log_id}.")
    elif shown.head.position != room.position:
        yield Finding(room.position, f"The server is at position {shown.head.position}, where this log is not.")
    elif shown.head.digest != room.head:
        yield Finding(room.position, f"The server's head is {shown.head.digest.hex()}.")
    elif not shown.still:
        yield Finding(
            room.position, "Too much happens for comparing what the server shows; its head is right.", note=True
        )
    else:
        yield from (Finding(room.position, f"The server shows other {what}.") for what in wrong(shown, room))


def wrong(shown: Live, room: Room) -> Iterator[str]:
    """An agent whose time runs out while one asks may be shown online or not."""
    early, late = ({agent.id for agent in room.online(at)} for at in (shown.since, shown.until))
    agents = {agent["id"]: agent for agent in shown.agents}
    totals = {"totalAgents": len(room.agents), "totalMessages": len(room.history.positions)}
    messages = [render.message(said, room.agent(said.agent)) for said in room.history.last(PAGE)]
    if not agree(totals, shown.stats):
        yield "totals"
    if not (early & late <= agents.keys() <= early | late and len(agents) == shown.stats["onlineAgents"]):
        yield "agents as online"
    if not all(agree(render.agent(room.agent(each), online=True), agents[each]) for each in agents):
        yield "agents"
    if len(messages) != len(shown.messages) or not all(map(agree, messages, shown.messages)):
        yield "messages"


def agree(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """A newer server may show more."""
    return all(theirs.get(name) == value for name, value in ours.items())
