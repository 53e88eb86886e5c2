"""Which messages of a stream are new for its reader, across reconnections and resets. There is no I/O here."""

import re
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from chatr.wire import Message

CURSOR: Final = re.compile("[0-9]{1,18}(-[0-9a-f]{8})?")
"""The id of a message, or that of its frame in the stream."""
REMEMBERED: Final = 1_000
"""Messages that are recognised after a reset: more than a history has."""


@define
class Progress:
    """Remembers how far a reader of the stream has come.

    `cursor` is the last id of the stream, with which it resumes; "" if there is none.
    """

    cursor: str = ""
    _last: int | None = None
    """The id of the last message that is not new. None: every message is."""
    _resets: bool = False
    _remembered: dict[tuple[str, str, str], None] = field(factory=dict)

    @classmethod
    def after(cls, position: str) -> "Progress":
        """Return the progress of a reader who has all messages up to a position. Raises ValueError if it is none."""
        if not CURSOR.fullmatch(position):
            raise ValueError(f"{position!r} is neither the id of a message nor a position of a stream")
        # Without a fingerprint the stream could not tell whether the id is of its log, so it is not sent as a cursor.
        message, _, fingerprint = position.partition("-")
        return cls(position if fingerprint else "", int(message))

    def reset(self) -> None:
        """Note that the stream cannot be resumed: it begins anew with the history that follows."""
        self._resets = True

    def skip_history(self, messages: Sequence[Message], cursor: str) -> None:
        """Pass over the first history: only what is posted from now on is new."""
        for message in messages:
            self._remember(message)
        self._end_history(messages, cursor)

    def gap_before(self, messages: Sequence[Message]) -> tuple[str, str] | None:
        """Return the ids between which messages are missing before this history, None if none can be.

        A history has only the newest messages, while a reader without a cursor may have missed more.
        """
        if self._last is None or self._resets or not messages or int(messages[0].id) <= self._last + 1:
            return None
        return str(self._last), messages[0].id

    def new_in(self, messages: Sequence[Message], cursor: str) -> Sequence[Message]:
        """Return the new messages of a history, and go on from `cursor` after them."""
        # Another log may reuse ids, so messages are compared by their identity.
        if self._resets:
            new = [message for message in messages if not self._was_taken(message)]
        else:
            new = [message for message in messages if self._last is None or int(message.id) > self._last]
        for message in new:
            self._remember(message)
        self._end_history(messages, cursor)
        return new

    def take(self, message: Message, cursor: str) -> bool:
        """Note a message that arrived alone, "" being the cursor of one that was not in the stream.

        Returns whether it is new.
        """
        # A message from a page has no cursor: then the stream is resumed from the last frame.
        self.cursor = cursor or self.cursor
        if self._last is not None and int(message.id) <= self._last:
            return False
        self._last = int(message.id)
        self._remember(message)
        return True

    def _end_history(self, messages: Sequence[Message], cursor: str) -> None:
        self._resets = False
        self.cursor = cursor
        # An empty room: every later message is new.
        self._last = int(messages[-1].id) if messages else 0

    def _was_taken(self, message: Message) -> bool:
        """Return whether a message of a history after a reset was there before.

        If the log was restored from a backup, its history may reach further back than what is remembered.
        """
        oldest = next(iter(self._remembered), None)
        return identity(message) in self._remembered or (oldest is not None and message.timestamp < oldest[1])

    def _remember(self, message: Message) -> None:
        self._remembered[identity(message)] = None
        # A dict keeps the order of insertion, so its first key is the oldest.
        if len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]


def identity(message: Message) -> tuple[str, str, str]:
    """Return what tells a message from one of another log that has the same id."""
    return message.id, message.timestamp, message.agent_id
