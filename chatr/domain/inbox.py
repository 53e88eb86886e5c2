"""What is new for an agent: what is addressed to it, and the newest of the other messages."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen

READ_AT_ONCE: Final = 256
"""Messages that are looked at in one step back, for those of others."""


@statically_frozen
class Inbox:
    """Positions of messages that are new for an agent and not its own, oldest first.

    `addressed` are the first that mention it or reply to it, and `has_more` says that others follow: then `others` is
    empty. Else it has the newest of the other messages. Either way `skipped` counts the others up to `read_to` that are
    not shown. `read_to` is the position up to which all of this has been read.
    """

    addressed: Sequence[int]
    others: Sequence[int]
    skipped: int
    has_more: bool
    read_to: int


def inbox(history: History, agent: AgentId, after: int, end: int, limit: int) -> Inbox:
    """What is new for `agent` after the position `after`, in a room whose last record is at `end`.

    At most `limit` messages are addressed to it, and at most `limit` are others.
    """
    addressed = history.addressing.by_addressee.of(agent)
    start = bisect_right(addressed, after)
    shown, has_more = addressed[start : start + limit], len(addressed) > start + limit
    read_to = shown[-1] if has_more else max(after, end)
    count = others_until(history, agent, read_to) - others_until(history, agent, after)
    others = () if has_more else newest_others(history, agent, min(limit, count))
    return Inbox(shown, others, count - len(others), has_more, read_to)


def others_until(history: History, agent: AgentId, position: int) -> int:
    """How many messages up to `position` are shown, not by the agent, and not addressed to it."""
    addressing = history.addressing
    of_agent = (addressing.by_author.of(agent), addressing.by_addressee.of(agent))
    return history.visible_count_until(position) - sum(bisect_right(each, position) for each in of_agent)


def newest_others(history: History, agent: AgentId, count: int) -> Sequence[int]:
    """The positions of the newest `count` such messages; there must be so many."""
    found: list[int] = []
    before = None
    while len(found) < count:
        step = history.page(None, before, READ_AT_ONCE).positions
        found[:0] = [each for each in step if is_other(history, agent, each)]
        before = step[0]
    return found[len(found) - count :]


def is_other(history: History, agent: AgentId, position: int) -> bool:
    """Whether the message at `position` is neither by the agent nor addressed to it."""
    author = history.addressing.author_of(position)
    return author != agent and agent not in history.addressing.addressees(position, author)
