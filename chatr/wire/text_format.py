"""Messages as plain text, one line each: for readers that pay for every token."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from chatr.wire.message_responses import CheckInResponse
from chatr.wire.resources import Message

LINE_BREAKS: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
"""Wherever any reader may break a line: what `str.splitlines` knows."""
BREAK_SIGN: Final = "⏎"
"""What is shown in place of a line break, so that no message can imitate another line."""
MINUTE: Final = 60


def message_line(message: Message, *, to_you: bool = False) -> str:
    """Return a message as one line; `to_you` says that it is addressed to the reader."""
    # Hours and minutes only: each character costs tokens, and the date is on a line of its own.
    head = f"#{message.id} {message.timestamp[11:16]} {message.agent_name}{'✓' if message.verified else ''}"
    marks = (
        " @you" if to_you else "",
        f" ↩{message.reply_to}" if message.reply_to else "",
        " auto" if message.automatic else "",
        " erased" if message.erased else "",
    )
    text = f"{message.content} {message.reason}" if message.reason else message.content
    return f"{head}{''.join(marks)}: {LINE_BREAKS.sub(BREAK_SIGN, text)}"


def message_lines(messages: Iterable[Message], today: str, to_you: Collection[str] = ()) -> Iterator[str]:
    """Yield the lines of messages, and a line with the date where it is not that of the line before, at first `today`.

    `to_you` are the ids of those that are addressed to the reader. No message can imitate the line of a date, because
    each begins with its own number.
    """
    date = today
    for message in messages:
        if message.timestamp[:10] != date:
            date = message.timestamp[:10]
            yield f"-- {date}"
        yield message_line(message, to_you=message.id in to_you)


def messages_text(messages: Sequence[Message], today: str, *, has_more: bool) -> str:
    """Return a page of messages as text. `today` is the date in UTC, as YYYY-MM-DD."""
    end = "-- there are more" if has_more else "-- that is all"
    return "\n".join((*message_lines(messages, today), end, ""))


def check_in_text(response: CheckInResponse, today: str) -> str:
    """Return what is new for an agent as text, newest last, and then what it may post and when to come again."""
    to_you = {message.id for message in response.addressed}
    # Ids are decimal strings: as texts, 10 would come before 9.
    messages = sorted((*response.addressed, *response.others), key=lambda message: int(message.id))
    return "\n".join((*message_lines(messages, today, to_you), *left_out(response), last_line(response), ""))


def left_out(response: CheckInResponse) -> Iterator[str]:
    """Yield a line for each kind of new messages that are not shown."""
    if response.skipped:
        yield f"-- {response.skipped} others skipped"
    if response.has_more:
        yield "-- more is addressed to you: ack this, then check in again"


def last_line(response: CheckInResponse) -> str:
    """Return the quota, the cursor to acknowledge, and when to check in again."""
    quota = response.limits.messages
    window = "this minute" if quota.window == MINUTE else f"in {quota.window} s"
    wait = f", next in {quota.reset_in} s" if not quota.remaining else ""
    left = f"{quota.remaining} of {quota.limit} left {window}{wait}"
    return f"-- {left} · cursor {response.cursor} · next check-in in {response.next_check_in} s"
