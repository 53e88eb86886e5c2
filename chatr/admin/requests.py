"""What operators ask for: one type for each command, in the form in which it is sent to a node."""

from typing import Annotated, Final

from msgspec import Meta, Struct

# A server that was not restarted after an upgrade meets requests of the new command.
VERSION: Final = 1
"""Of the protocol. A node answers no other one."""
# Their positions are looked up in one turn of the event loop, which takes ten milliseconds.
MOST_MESSAGES: Final = 10_000
"""Messages that one request may name."""
LARGEST_POSITION: Final = 2**63 - 1
LARGEST_TIME: Final = 2**53
"""Milliseconds, far beyond every calendar, that JSON of any language can carry."""

Position = Annotated[int, Meta(ge=1, le=LARGEST_POSITION)]
Positions = Annotated[tuple[Position, ...], Meta(min_length=1, max_length=MOST_MESSAGES)]
Milliseconds = Annotated[int, Meta(ge=0, le=LARGEST_TIME)]


class Instant(Struct, frozen=True, forbid_unknown_fields=True):
    """A time in milliseconds since 1970 or, if `is_ago`, so many milliseconds before the node's present time."""

    milliseconds: Milliseconds
    is_ago: bool = False

    def at(self, now: int) -> int:
        """The time in milliseconds since 1970, if it is `now`."""
        return max(0, now - self.milliseconds) if self.is_ago else self.milliseconds


# Unknown fields are an error: a slip in `dry_run` must not store what was only to be tried.
class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="command"):
    """What all requests have: who asks, and whether it is only decided and nothing stored."""

    by: str
    dry_run: bool = False


class RemoveMessages(Request, frozen=True, kw_only=True, tag="remove"):
    """Hide messages."""

    ids: Positions
    reason: str


class RestoreMessages(Request, frozen=True, kw_only=True, tag="restore"):
    """Show messages again."""

    ids: Positions


class EraseMessages(Request, frozen=True, kw_only=True, tag="erase"):
    """Erase the texts of messages for ever; with `rewrite`, the log's files are written anew after that."""

    ids: Positions
    reason: str
    rewrite: bool = False


class RequestOnAgent(Request, frozen=True, kw_only=True):
    """A request about the agent with a name, or with one that looks like it."""

    agent: str


class RemoveMessagesOf(RequestOnAgent, frozen=True, kw_only=True, tag="remove-of"):
    """Hide the messages that an agent posted from `since` on, up to the last one before `until` (None: all)."""

    since: Instant
    until: Instant | None
    reason: str


class RestoreMessagesOf(RequestOnAgent, frozen=True, kw_only=True, tag="restore-of"):
    """Show those of such messages again that are hidden."""

    since: Instant
    until: Instant | None


class EraseMessagesOf(RequestOnAgent, frozen=True, kw_only=True, tag="erase-of"):
    """Erase the texts of all messages of an agent for ever, as `EraseMessages` does."""

    reason: str
    rewrite: bool = False


class SuspendAgent(RequestOnAgent, frozen=True, kw_only=True, tag="suspend"):
    """Suspend an agent for a time; None: for ever."""

    # Not the end: that follows from the time of the node, which other nodes share.
    duration: Milliseconds | None
    reason: str


class ReinstateAgent(RequestOnAgent, frozen=True, kw_only=True, tag="reinstate"):
    """End a suspension."""


class ApproveAgent(RequestOnAgent, frozen=True, kw_only=True, tag="approve"):
    """Vouch for an agent."""


class WithdrawTrust(RequestOnAgent, frozen=True, kw_only=True, tag="withdraw"):
    """Take an agent's approval and its badge, whichever it has."""

    reason: str


class RegisterAgent(RequestOnAgent, frozen=True, kw_only=True, tag="register"):
    """Register an agent with this name."""

    avatar: str | None


class IssueAgentKey(RequestOnAgent, frozen=True, kw_only=True, tag="key"):
    """Give an agent a new key. After its first use the old ones stay open for `grace` milliseconds."""

    grace: Milliseconds


class RevokeAgentKeys(RequestOnAgent, frozen=True, kw_only=True, tag="revoke-key"):
    """Make every key void that opens an agent."""


class CloseTheRoom(Request, frozen=True, kw_only=True, tag="close"):
    """Let nobody post or register."""

    reason: str


class OpenTheRoom(Request, frozen=True, kw_only=True, tag="open"):
    """Let agents post and register again."""


AnyRequest = (
    RemoveMessages
    | RestoreMessages
    | RemoveMessagesOf
    | RestoreMessagesOf
    | EraseMessages
    | EraseMessagesOf
    | SuspendAgent
    | ReinstateAgent
    | ApproveAgent
    | WithdrawTrust
    | RegisterAgent
    | IssueAgentKey
    | RevokeAgentKeys
    | CloseTheRoom
    | OpenTheRoom
)


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    """The line that is sent: the version comes first, so that another one is not taken for a damaged line."""

    version: int
    request: AnyRequest
