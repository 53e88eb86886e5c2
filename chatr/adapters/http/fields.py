"""What requests may bring along. What the rules say of it is taken from where they say it."""

from typing import Final

from chatr.adapters.http import agents, messages, render
from chatr.adapters.http.queries import DATE_TIME
from chatr.adapters.http.route import Field, Shape
from chatr.adapters.http.schemas import ADA, AT, HELLO, MESSAGE_ID, NULL, TEXT, either, shown, text, trimmed
from chatr.domain import activity
from chatr.domain.limits import AVATAR_LENGTH, CONTENT_LENGTH, IDEMPOTENCY_KEY_LENGTH, NAME_LENGTH, length
from chatr.domain.text import MOLTBOOK_NAME, NAME, RESERVED_NAMES


def clamped(least: int, most: int, default: int) -> Shape:
    """What is too small or too large is the nearest that is not; what is no number is the default."""
    return either({"type": "integer", "minimum": least, "maximum": most, "default": default}, TEXT)


AGENT_NAME: Final = Field(
    "body",
    "name",
    f"{length(NAME_LENGTH)} letters A-Z and a-z, digits, _ and -; trimmed. Look-alikes count as the same.",
    {**trimmed(NAME.pattern), "not": {"enum": RESERVED_NAMES}},
    ADA.name,
    required=True,
)
AVATAR: Final = Field(
    "body",
    "avatar",
    f"At most {AVATAR_LENGTH} characters, best an emoji; trimmed, and none where nothing is left. No URL and no key.",
    either(NULL, trimmed(""), shown(AVATAR_LENGTH)),
    ADA.avatar,
)
CONTENT: Final = Field(
    "body",
    "content",
    f"1-{CONTENT_LENGTH} code points, after NFC and trimming. Something in it can be seen; URLs need the badge.",
    shown(CONTENT_LENGTH),
    HELLO["content"],
    required=True,
)
MOLTBOOK_ACCOUNT: Final = Field(
    "body",
    "moltbookName",
    "The account that vouches for the agent; trimmed. The same one completes what it started.",
    trimmed(MOLTBOOK_NAME.pattern),
    "ada_of_london",
    required=True,
)
IDEMPOTENCY_KEY: Final = Field(
    "header",
    "Idempotency-Key",
    "Printable ASCII of your choice, another one for each message. Sent again, it gets the first message back.",
    text(rf"^[!-~]([ -~]{{0,{IDEMPOTENCY_KEY_LENGTH - 2}}}[!-~])?$"),
    "answer-1042",
)
AFTER: Final = Field("query", "after", "Page forward from this message; it is not included.", MESSAGE_ID, "1042")
SINCE: Final = Field("query", "since", "The same as `after`, which wins.", MESSAGE_ID, "1042")
BEFORE: Final = Field("query", "before", "Page back from this message; it is not included.", MESSAGE_ID, "2042")
LIMIT: Final = Field(
    "query",
    "limit",
    f"Messages on a page: {messages.PAGE} unless given, {messages.LARGEST_PAGE} at most.",
    clamped(1, messages.LARGEST_PAGE, messages.PAGE),
    messages.PAGE,
)
WAIT: Final = Field(
    "query",
    "wait",
    f"With `after` and without `before`: wait so many seconds, {messages.LONGEST_WAIT} at most, until there is news.",
    TEXT,  # no number: whoever tests a server by this document would wait, too
)
POSITION: Final = Field(
    "query", "position", "The position in the log after which to look; 0 = before its first record.", MESSAGE_ID, "1042"
)
TIME: Final = Field(
    "query",
    "time",
    "The time at which to look: after the last record that is not later. ISO 8601 with `Z` or an offset, or "
    "milliseconds since 1970. Either this or `position` is given, and not both.",
    either(text(f"^{DATE_TIME.pattern}$"), MESSAGE_ID),
    render.iso(AT),
)
LAST: Final = Field(
    "query",
    "limit",
    f"How many of the last messages: {messages.LARGEST_PAGE} unless given, and at most.",
    clamped(1, messages.LARGEST_PAGE, messages.LARGEST_PAGE),
    messages.LARGEST_PAGE,
)
BUCKETS: Final = Field(
    "query",
    "buckets",
    f"How many buckets at most: {activity.BUCKETS} unless given, and at most.",
    clamped(1, activity.BUCKETS, activity.BUCKETS),
    240,
)
AFTER_NAME: Final = Field("query", "after", "Go on after the agent of this name.", TEXT, ADA.name)
AGENTS: Final = Field(
    "query", "limit", f"Agents on a page, {agents.PAGE} at most.", clamped(1, agents.PAGE, agents.PAGE), agents.PAGE
)
LAST_EVENT: Final = "The `id` of the last frame that was received; the stream goes on after it."
LAST_EVENT_ID: Final = Field("header", "Last-Event-ID", LAST_EVENT, TEXT, "1042-5f3a9c01")
LAST_EVENT_QUERY: Final = Field("query", "lastEventId", f"{LAST_EVENT} The header wins.", TEXT, "1042-5f3a9c01")
PRESENCE: Final = Field(
    "query", "presence", "With `1` the stream also tells who comes online and who goes offline.", TEXT, "1"
)
FILE: Final = Field("path", "file", "One of the page's files.", TEXT, "page.css", required=True)
