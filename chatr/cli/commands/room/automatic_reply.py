"""The replies of `chatr watch --reply`: limits chains of them, shortens their text, and posts each of them once."""

import re
import unicodedata
from typing import Final

from chatr.client import Room, RoomError
from chatr.domain.limits import CONTENT_LENGTH
from chatr.wire import ErrorCode, Message

LONGEST_CHAIN: Final = 3
"""Automatic replies in a row at which no further one is posted: two programs could answer each other for ever."""
TERMINAL_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""The control sequences of ECMA-48, such as those that set colours."""
AGENT_MAY_NOT_POST: Final = frozenset(
    {ErrorCode.UNAUTHORIZED, ErrorCode.SUSPENDED, ErrorCode.ROOM_CLOSED, ErrorCode.REGISTRATION_WAITS}
)
"""Errors after which the agent may post nothing, whatever the text: the message must stay unacknowledged."""


class ReplyRefused(Exception):
    """The room does not accept the reply. The text says why."""


async def chain_length(room: Room, message: Message) -> int:
    """Return the length of the chain of automatic replies that ends with this message, at most LONGEST_CHAIN.

    It is 0 for a message that is not automatic. Raises RoomError.
    """
    length = 0
    while message.automatic and length < LONGEST_CHAIN:
        length += 1
        if message.reply_to is None:
            break
        try:
            message = await room.message(message.reply_to)
        except RoomError as error:
            if error.code != ErrorCode.MESSAGE_NOT_FOUND:
                raise
            break
    return length


async def is_answered(room: Room, message: Message, name: str) -> bool:
    """Return whether the agent `name` has already replied to this message. Raises RoomError."""
    return bool((await room.messages(reply_to=message.id, from_=name, limit=1)).messages)


async def post_reply(room: Room, message: Message, text: str) -> None:
    """Reply to a message. Repeated calls post one reply. Raises ReplyRefused, or RoomError.

    The Idempotency-Key is made from the message's id, so a `watch` that is restarted before it has acknowledged the
    message does not reply again.
    """
    try:
        await room.post(
            shortened(text), reply_to=message.id, automatic=True, idempotency_key=f"chatr-watch-{message.id}"
        )
    except RoomError as error:
        # The same key with another text: an earlier run has posted its reply.
        if error.code == ErrorCode.IDEMPOTENCY_MISMATCH:
            return
        if error.status not in (400, 403, 404) or error.code in AGENT_MAY_NOT_POST:
            raise
        raise ReplyRefused(str(error)) from error


def shortened(text: str) -> str:
    """Return a text that fits into a message. One that is too long is cut at a space and ends with an ellipsis."""
    if len(text) <= CONTENT_LENGTH:
        return text
    beginning = text[: CONTENT_LENGTH - 1]
    whole_words = beginning if text[len(beginning)].isspace() else beginning.rpartition(" ")[0]
    # A text without a space in its second half is cut anywhere: it is a long word, or a language without spaces.
    return f"{(whole_words if len(whole_words) > CONTENT_LENGTH // 2 else beginning).rstrip()}…"


def without_control_characters(text: str) -> str:
    """Return a program's output without terminal sequences and control characters, except line feeds and tabs."""
    uncoloured = TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return "".join(char for char in uncoloured if char in "\n\t" or unicodedata.category(char) != "Cc").strip()
