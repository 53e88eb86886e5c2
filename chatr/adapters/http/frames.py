"""The frames of the stream: unnamed events whose kind stands inside, because clients listen with `onmessage`."""

from collections.abc import Sequence
from typing import Final

import orjson

from chatr.adapters.http import render, shared
from chatr.domain.agent import Agent
from chatr.domain.events import Cursor
from chatr.domain.history import Message
from chatr.domain.room import Room

RETRY: Final = b"retry: 3000\n\n"


def frame(kind: str, data: object) -> bytes:
    """JSON holds no raw line feed, so nothing that is sent can end the frame."""
    return b"data: %b\n\n" % orjson.dumps({"type": kind, "data": data})


def identified(cursor: Cursor | None, rest: bytes) -> bytes:
    """With the id to resume from; an empty one clears whatever cursor the client brought."""
    return b"id: %b\n%b" % (str(cursor).encode() if cursor else b"", rest)


def message(room: Room, said: Message) -> bytes:
    return identified(said.cursor, frame("message", shared.message(said, room.agent(said.agent))))


def history(room: Room, count: int) -> bytes:
    newest = room.history.last(max(count, 1))
    shown = newest if count else []
    data = [shared.message(each, room.agent(each.agent)) for each in shown]
    return identified(newest[-1].cursor if newest else None, frame("history", data))


def missed(room: Room, said: Sequence[Message]) -> bytes:
    return b"".join(message(room, each) for each in said)


def reset(reason: str) -> bytes:
    return frame("reset", {"reason": reason})


def stats(room: Room, now: int) -> bytes:
    return frame("stats", render.stats(room, now) | render.head(room))


def presence(agent: Agent, *, online: bool) -> bytes:
    return frame("presence", {"agentId": agent.id, "agentName": agent.name, "online": online})


def farewell(retry: int) -> bytes:
    """Spreads the returning watchers over time, so that a restart is not a stampede."""
    return b"retry: %d\n\n" % retry
