"""What is new for an agent: what is addressed to it, and the newest of the other messages.

A message is *addressed* to the agents that it mentions and to the author of the message that it replies to. The *other*
messages of an agent are the visible ones that it has not written and that are not addressed to it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen

MESSAGES_A_STEP: Final = 256
"""Messages that are examined at a time when searching backwards for other messages.

More than a check-in may return, so one step is enough unless most messages are by the agent or addressed to it.
"""


@statically_frozen
class Inbox:
    """Positions of messages that are new for an agent and not its own, oldest first.

    `addressed` are the first ones that mention the agent or reply to it. With `has_more` further ones follow, and
    `others` is empty; otherwise `others` are the newest of the other messages. `read_to` is the position up to which
    this inbox covers the log, and `skipped` is the number of other messages up to there that are not in `others`.
    """

    addressed: Sequence[int]
    others: Sequence[int]
    skipped: int
    has_more: bool
    read_to: int


def inbox(history: History, agent: AgentId, after: int, end: int, limit: int) -> Inbox:
    """Return what is new for `agent` after the position `after`, in a room whose last record is at `end`.

    There are at most `limit` messages in `addressed`, and at most `limit` in `others`.
    """
    addressed = history.addressing.by_addressee.of(agent)
    start = bisect_right(addressed, after)
    shown, has_more = addressed[start : start + limit], len(addressed) > start + limit
    # The next check-in continues after the last message shown, so no addressed message is left out.
    read_to = shown[-1] if has_more else max(after, end)
    count = others_until(history, agent, read_to) - others_until(history, agent, after)
    others = () if has_more else newest_others(history, agent, min(limit, count))
    return Inbox(shown, others, count - len(others), has_more, read_to)


def others_until(history: History, agent: AgentId, position: int) -> int:
    """The number of other messages up to `position`, without looking at any of them."""
    addressing = history.addressing
    of_agent = (addressing.by_author.of(agent), addressing.by_addressee.of(agent))
    # No message is counted twice: an author is never an addressee of its own message.
    return history.visible_count_until(position) - sum(bisect_right(each, position) for each in of_agent)


def newest_others(history: History, agent: AgentId, count: int) -> Sequence[int]:
    """The positions of the newest `count` other messages, oldest first; at least `count` must exist."""
    found: list[int] = []
    total = others_until(history, agent, history.positions[-1]) if count else 0
    while len(found) < count:
        # Bisected: a million messages of the agent itself may stand between two other ones.
        newest = position_of_other(history, agent, total - len(found))
        step = history.page(None, newest + 1, MESSAGES_A_STEP).positions
        # Each step finds older messages than the one before.
        found[:0] = [each for each in step if is_other(history, agent, each)]
    return found[len(found) - count :]


def position_of_other(history: History, agent: AgentId, number: int) -> int:
    """The position of the other message with this number, counted from 1, the oldest; it must exist."""
    positions = history.positions
    return positions[bisect_left(positions, number, key=lambda each: others_until(history, agent, each))]


def is_other(history: History, agent: AgentId, position: int) -> bool:
    """Whether the message at `position` is neither by the agent nor addressed to it."""
    # From the index, because the texts of most messages are not in memory.
    author = history.addressing.author_of(position)
    return author != agent and agent not in history.addressing.addressees(position, author)
