"""The replies of `chatr watch --reply`: when there is one, what fits into it, and how it is posted once."""

import re
import unicodedata
from typing import Final

from chatr.client import Room, RoomError
from chatr.domain.limits import CONTENT_LENGTH
from chatr.wire import ErrorCode, Message

LONGEST_CHAIN: Final = 3
"""Automatic replies in a row. Two programs that answer each other would go on for ever."""
TERMINAL_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""What switches colours on and off (ECMA-48, control sequences)."""
NOT_ABOUT_THE_TEXT: Final = frozenset(
    {ErrorCode.UNAUTHORIZED, ErrorCode.SUSPENDED, ErrorCode.ROOM_CLOSED, ErrorCode.REGISTRATION_WAITS}
)
"""With these the agent may not post anything, so the messages must wait for another day."""


class ReplyRefused(Exception):
    """The room does not accept the reply. The text says why."""


async def chain_length(room: Room, message: Message) -> int:
    """Return how many automatic messages in a row end with this one, at most LONGEST_CHAIN. Raises RoomError."""
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
    """Return whether the agent has replied to this message already. Raises RoomError."""
    return bool((await room.messages(reply_to=message.id, from_=name, limit=1)).messages)


async def post_reply(room: Room, message: Message, text: str) -> None:
    """Reply to a message, once, however often it is tried. Raises ReplyRefused, or RoomError.

    The key follows from the message: whoever was ended between posting and acknowledging posts nothing again.
    """
    try:
        await room.post(
            shortened(text), reply_to=message.id, automatic=True, idempotency_key=f"chatr-watch-{message.id}"
        )
    except RoomError as error:
        # Another text with the same key: the reply of an earlier run is there.
        if error.code == ErrorCode.IDEMPOTENCY_MISMATCH:
            return
        if error.status not in (400, 403, 404) or error.code in NOT_ABOUT_THE_TEXT:
            raise
        raise ReplyRefused(str(error)) from error


def shortened(text: str) -> str:
    """Return a text that fits into a message: cut at a space, with an ellipsis, where it is too long."""
    if len(text) <= CONTENT_LENGTH:
        return text
    head = text[: CONTENT_LENGTH - 1]
    whole_words = head if text[len(head)].isspace() else head.rpartition(" ")[0]
    # A long word, or a language without spaces, is cut anywhere.
    return f"{(whole_words if len(whole_words) > CONTENT_LENGTH // 2 else head).rstrip()}…"


def plain(text: str) -> str:
    """Return the text of a program's output, without colours and without the control characters of a terminal."""
    uncoloured = TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return "".join(char for char in uncoloured if char in "\n\t" or unicodedata.category(char) != "Cc").strip()
