"""The parts of an endpoint's description."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from aiohttp import web
from attrs import field, frozen
from msgspec import Struct

from chatr.adapters.http.caching import Caching
from chatr.adapters.http.error_catalogue import JSON
from chatr.adapters.http.error_type import ErrorType
from chatr.domain.rule import Rule

Schema = Mapping[str, Any]
"""A JSON Schema."""
ErrorSource = Rule[Any] | ErrorType
"""A rule that a request may violate, or a kind of error that is not about a rule."""
RouteHandler = Callable[..., Awaitable[Struct | web.StreamResponse]]
"""Takes the request, and the agent if the route requires a key. Returns a wire type, which is sent as JSON, or a
response of aiohttp where the handler chooses the headers or the bytes.
"""


@frozen
class Parameter:
    """A value that a request may have: a field of its JSON body, a header, or a part of its path or query string."""

    location: Literal["body", "header", "path", "query"]
    name: str
    description: str
    schema: Schema
    example: object = None
    required: bool = False


@frozen
class ResponseDescription:
    """A response with status 200.

    `types` are the wire types that its JSON body may have; a body that is no wire type is described by `schema`. The
    `example` is a value of the first type, or text.
    """

    description: str
    types: tuple[type[Struct], ...] = ()
    schema: Schema = field(factory=dict)
    example: Struct | str | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(factory=dict)


TAGS_WITHOUT_ROOM: Final = ("health", "pages", "documents")
"""Tags of routes that show nothing of what is in the room; the watch page itself leaves out what is private."""


# Compared and hashed by identity: a route is the key of its handler, and schemas cannot be hashed.
@frozen(eq=False)
class Route:
    """An endpoint: what a request has to be, and which responses it may get.

    `tag` groups endpoints in the OpenAPI document. `errors` are those of this endpoint alone: the rules and error types
    that are enforced, and not copies of them. If `requires_key`, the handler is given the agent, whose activity is
    recorded unless `records_no_activity`; a pending key takes effect first unless `leaves_key_pending`. If it
    `takes_key`, some parameter needs a key, and the rest needs none. If it
    `brings_new_key`, the handler reads a key that opens no agent yet. If `counts_as_request`, a request counts towards
    its address's rate limit. If `needs_open_room`, the response is a 503 while the room starts. `caching` says what
    caches may do with its successful responses.
    """

    method: str
    path: str
    tag: str
    summary: str
    response: ResponseDescription
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[ErrorSource, ...] = ()
    requires_key: bool = False
    takes_key: bool = False
    records_no_activity: bool = False
    leaves_key_pending: bool = False
    brings_new_key: bool = False
    counts_as_request: bool = True
    needs_open_room: bool = True
    # Without a default, so that no new route forgets it.
    caching: Caching = field(kw_only=True)

    @property
    def shows_room(self) -> bool:
        """Whether it shows anyone what is in the room. In a private room it needs a key."""
        # By the tags that show nothing, so that a new endpoint that reads is private without a thought.
        return self.method == "GET" and self.tag not in TAGS_WITHOUT_ROOM and not self.requires_key

    @property
    def writes(self) -> bool:
        """Whether it may append to the log. A read-only room refuses it."""
        # By the method and not by a list, so that a new endpoint that writes is refused without a thought.
        return self.method == "POST"

    @property
    def reads_key(self) -> bool:
        """Whether a response may depend on the key, in any room."""
        return self.requires_key or self.takes_key or self.brings_new_key

    def needs_key(self, *, is_private: bool) -> bool:
        """Whether a request needs a key, in a private room or another one."""
        return self.requires_key or (is_private and self.shows_room)
