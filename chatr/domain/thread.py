"""The thread below a message: the replies to it, and the replies to those."""

from bisect import bisect_right
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

from chatr.domain.addressing import Addressing

MOST_IN_THREAD: Final = 1_000
"""The maximum number of messages that are found. It bounds the time to 2 ms."""


def thread_below(addressing: Addressing, position: int, *, hidden: bool = False) -> list[int]:
    """Return the first messages of the thread below the message at `position`, in order: those that are shown, or the
    hidden ones. Replies to hidden messages belong to it, too.
    """
    indexes = (addressing.by_replied_to, addressing.hidden.by_replied_to)
    # Next message, its index among the replies to one message, these replies, and whether they are hidden.
    upcoming: list[tuple[int, int, Sequence[int], bool]] = []

    def add(replies: Sequence[int], index: int, *, are_hidden: bool) -> None:
        if index < len(replies):
            heappush(upcoming, (replies[index], index, replies, are_hidden))

    def add_replies(message: int) -> None:
        for index, are_hidden in zip(indexes, (False, True), strict=True):
            replies = index.of(message)
            # A record that was stored against the rules may reply to itself or to a later message.
            add(replies, bisect_right(replies, message), are_hidden=are_hidden)

    found: list[int] = []
    add_replies(position)
    for _ in range(MOST_IN_THREAD):
        if not upcoming:
            break
        # The next message of all: a reply comes after the message that it replies to.
        message, index, replies, is_hidden = heappop(upcoming)
        if is_hidden == hidden:
            found.append(message)
        add(replies, index + 1, are_hidden=is_hidden)
        add_replies(message)
    return found
