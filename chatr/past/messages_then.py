"""The messages of an earlier moment, as they are shown now: without those that had been removed by then."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from chatr.domain.agent import Agent
from chatr.domain.history import History, Message
from chatr.domain.removals import Removal
from chatr.domain.room import Room

MESSAGES_PER_STEP: Final = 5_000
"""Messages that are looked at in one iteration of the loop: about a millisecond."""


async def last_shown(history: History, position: int, count: int) -> tuple[Sequence[int], bool]:
    """The positions of the last `count` messages that were shown after the record at `position`, and whether there were
    more. One that was removed later counts as shown then, and so does one that was hidden then and is shown now.
    """
    found: list[int] = []
    end, size = bisect_right(history.positions, position), count + 1
    while end and len(found) <= count:
        start = max(0, end - size)
        # Messages that had been removed may be many in a row.
        found[:0] = [each for each in history.positions[start:end] if not was_hidden(history, each, position)]
        end, size = start, MESSAGES_PER_STEP
        await asyncio.sleep(0)
    return found[max(0, len(found) - count) :], len(found) > count


def was_hidden(history: History, message: int, position: int) -> bool:
    """Whether the message at `message` is hidden, and was so after the record at `position`."""
    removal = history.removals.by_message.get(message)
    return removal is not None and removal.position <= position


def messages_then(
    room: Room, messages: Sequence[Message], position: int
) -> Iterator[tuple[Message, Agent, Removal | None]]:
    """Yield messages with their authors as they were after the record at `position`, and with their later removals."""
    for message in messages:
        # One may have been removed while they were read, by a record before a later `position`.
        if not was_hidden(room.history, message.cursor.position, position):
            author = without_later_badge(room.agent(message.agent), position)
            yield message, author, room.history.removals.by_message.get(message.cursor.position)


def without_later_badge(agent: Agent, position: int) -> Agent:
    """The agent without its badge and its approval, where it got them after `position`."""
    if agent.badge is not None and agent.badge.position > position:
        agent = evolve(agent, badge=None)
    approval = None if agent.standing is None else agent.standing.approval
    return agent if approval is None or approval <= position else evolve(agent, standing=None)
