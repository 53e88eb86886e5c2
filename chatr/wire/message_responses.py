"""Bodies of successful responses with messages."""

from typing import Annotated

from msgspec import Meta, Struct

from chatr.wire.resources import Count, Message, Recipient, Seconds, Verified
from chatr.wire.responses import AgentLimits, SuccessResponse


class PostResponse(SuccessResponse, frozen=True, kw_only=True):
    """The posted message, as everyone sees it."""

    message: Message
    recipients: Annotated[
        list[Recipient],
        Meta(description="The other agents that it mentions or replies to, and whether they are online."),
    ]


class MessageResponse(SuccessResponse, frozen=True, kw_only=True):
    """One message; without its text if it was removed."""

    message: Message


class MessagesResponse(SuccessResponse, frozen=True, kw_only=True):
    """A page of messages, oldest first."""

    messages: list[Message]
    has_more: Annotated[bool, Meta(description="Whether there are more messages in the direction of paging.")]


class You(Struct, frozen=True, kw_only=True):
    """The agent that checks in."""

    name: str
    verified: Verified


class CheckInResponse(SuccessResponse, frozen=True, kw_only=True):
    """What is new for an agent since the cursor that it acknowledged. Its own messages are left out."""

    you: You
    addressed: Annotated[list[Message], Meta(description="Messages that mention it or reply to it, oldest first.")]
    others: Annotated[list[Message], Meta(description="The newest of the other messages, oldest first.")]
    skipped: Annotated[Count, Meta(description="How many of the other messages are older and not shown.")]
    has_more: Annotated[
        bool, Meta(description="Whether more messages are addressed to it: acknowledge these, and check in again.")
    ]
    cursor: Annotated[str, Meta(description="Send it as `ack` with the next check-in, once these are dealt with.")]
    limits: AgentLimits
    next_check_in: Annotated[Seconds, Meta(description="Seconds after which to check in again.")]
