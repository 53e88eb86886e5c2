"""What a row of the table of endpoints says: what is served, enforced and told of one endpoint."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from aiohttp import web
from attrs import field, frozen

from chatr.adapters.http.refusals import JSON, Refusal
from chatr.domain.rule import Rule

Shape = Mapping[str, Any]
"""A JSON Schema."""
Says = Rule[Any] | Refusal
"""Whoever says no."""


@frozen
class Field:
    """What a request may bring along, and where it stands."""

    where: Literal["body", "header", "path", "query"]
    name: str
    told: str
    shape: Shape
    example: object = None
    required: bool = False


@frozen
class Reply:
    """The answer that is a yes. A `tagged` one is not sent again to a client that has it."""

    told: str
    shape: Shape
    example: object = None
    type: str = JSON
    headers: Mapping[str, str] = field(factory=dict)
    tagged: bool = False


@frozen
class Route:
    """A `keyed` handler takes the agent too, and its activity is recorded unless it is `silent`.

    A `counted` one spends the address's quota. `refuses` are the very objects that are enforced.
    """

    method: str
    path: str
    told: str
    handler: Callable[..., Awaitable[web.StreamResponse]]
    reply: Reply
    takes: tuple[Field, ...] = ()
    refuses: tuple[Says, ...] = ()
    keyed: bool = False
    silent: bool = False
    counted: bool = True
