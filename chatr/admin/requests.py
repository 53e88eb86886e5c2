"""What operators ask for: one type for each command, in the form in which it is sent to a node."""

from typing import Annotated, Final

from msgspec import Meta, Struct

# A node that was not restarted after an upgrade receives requests of the new chatr admin.
VERSION: Final = 1
"""Version of the protocol. A node rejects requests of any other one."""
# Their positions are looked up in one iteration of the event loop, which takes ten milliseconds.
MOST_MESSAGES: Final = 10_000
"""Messages that one request may name."""
LARGEST_POSITION: Final = 2**63 - 1
LARGEST_TIME: Final = 2**53
"""Milliseconds: the largest integer up to which JSON parsers of all languages are exact, 285,000 years."""

Position = Annotated[int, Meta(ge=1, le=LARGEST_POSITION)]
Positions = Annotated[tuple[Position, ...], Meta(min_length=1, max_length=MOST_MESSAGES)]
Milliseconds = Annotated[int, Meta(ge=0, le=LARGEST_TIME)]


class Instant(Struct, frozen=True, forbid_unknown_fields=True):
    """A time in milliseconds since 1970 or, if `is_ago`, so many milliseconds before the node's present time."""

    milliseconds: Milliseconds
    is_ago: bool = False

    def at(self, now: int) -> int:
        """The time in milliseconds since 1970. `now` is the present time of the node."""
        return max(0, now - self.milliseconds) if self.is_ago else self.milliseconds


# Unknown fields are an error: a misspelt `dry_run` must not store what was only to be tried.
class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="command"):
    """The fields of all requests: `by` is the operator; with `dry_run` the command is decided and nothing is stored."""

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

    # Not the end of the suspension: the node adds this to its own time, by which all nodes decide.
    duration: Milliseconds | None
    reason: str


class ReinstateAgent(RequestOnAgent, frozen=True, kw_only=True, tag="reinstate"):
    """End a suspension."""


class ApproveAgent(RequestOnAgent, frozen=True, kw_only=True, tag="approve"):
    """Approve an agent."""


class WithdrawVerification(RequestOnAgent, frozen=True, kw_only=True, tag="withdraw"):
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
    | WithdrawVerification
    | RegisterAgent
    | IssueAgentKey
    | RevokeAgentKeys
    | CloseTheRoom
    | OpenTheRoom
)


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    """The line that is sent. The version is checked first: a request of another one is no damaged line."""

    version: int
    request: AnyRequest
