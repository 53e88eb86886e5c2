"""Tools: each calls a route of the HTTP API, and its arguments are parameters of that route."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from chatr.adapters.http.description.route import Parameter, Route, Schema

HYPHENATED: Final = re.compile("-([A-Za-z])")
Arguments = Mapping[str, Any]
"""The arguments of a call by name, as JSON."""


@frozen
class Tool:
    """A tool, and the routes that it may call. `choose` selects one of several; if it returns None, a call is rejected.

    `parameters` are those parameters of the routes that are arguments of the tool. `defaults` are arguments that are
    used where a call has none. `required` are further arguments that each call needs, and `choice` those that only
    choose the route. `calls` are the calls that stand for routes, as in {"POST /api/verify/start": "chatr_verify (…)"}.
    An empty text is no value for the arguments in `omitted_if_empty`.
    """

    name: str
    description: str
    routes: tuple[Route, ...]
    parameters: tuple[Parameter, ...] = ()
    defaults: Arguments = field(factory=dict)
    required: tuple[str, ...] = ()
    choice: Mapping[str, Schema] = field(factory=dict)
    choose: Callable[[Arguments], Route | None] | None = None
    calls: Mapping[str, str] = field(factory=dict)
    # Models often fill optional arguments with empty strings.
    omitted_if_empty: tuple[str, ...] = ()

    @property
    def arguments(self) -> Mapping[str, Parameter | None]:
        """The parameter of each argument; None for one that only chooses the route."""
        return {**dict.fromkeys(self.choice), **{argument_name(each): each for each in self.parameters}}

    @property
    def required_arguments(self) -> list[str]:
        """The names of the arguments that each call needs."""
        # What chooses the route is needed, too: without it there is no route.
        needed = [argument_name(each) for each in self.parameters if each.required]
        return [*self.choice, *needed, *self.required]

    def given(self, arguments: Arguments) -> Arguments:
        """Return the arguments of a call that have a value, with the defaults."""
        empty = dict.fromkeys(self.omitted_if_empty, "")
        return {
            **self.defaults,
            **{name: value for name, value in arguments.items() if value is not None and value != empty.get(name)},
        }

    def route_for(self, arguments: Arguments) -> Route | None:
        """Return the route of a call that has all required arguments, None if they choose none."""
        return self.routes[0] if self.choose is None else self.choose(arguments)

    @property
    def writes(self) -> bool:
        """Whether one of its routes may append to the log."""
        return any(route.writes for route in self.routes)

    @property
    def signature(self) -> str:
        """The names of the arguments, for people: "after (required), wait"."""
        required = self.required_arguments
        names = [f"{name} (required)" if name in required else name for name in self.arguments]
        return ", ".join(names) or "none"

    def with_calls(self, text: str) -> str:
        """Return a text of a route with the calls of this tool in place of the routes that it names."""
        for route, call in self.calls.items():
            text = text.replace(route, call)
        return text

    def listed(self) -> dict[str, Any]:
        """Return the tool as an entry of tools/list."""
        properties = {**self.choice, **{argument_name(each): argument_schema(each) for each in self.parameters}}
        required = self.required_arguments
        schema = {"type": "object", "properties": properties} | ({"required": required} if required else {})
        # Clients ask people less often about tools that only read, or that destroy nothing.
        only_reads = all(route.method == "GET" for route in self.routes)
        hints = {"readOnlyHint": True} if only_reads else {"destructiveHint": False}
        return {"name": self.name, "description": self.description, "inputSchema": schema, "annotations": hints}


def argument_name(parameter: Parameter) -> str:
    """Return the name of a parameter as an argument: "idempotencyKey" for the header Idempotency-Key."""
    name = HYPHENATED.sub(lambda found: found[1].upper(), parameter.name)
    return name[0].lower() + name[1:]


def argument_schema(parameter: Parameter) -> Schema:
    """Return the schema of an argument: its type and what the route says about it.

    The rest of the route's schema would cost many tokens, and the error of the route says what is wrong.
    """
    return {"type": json_type(parameter.schema), "description": parameter.description}


def json_type(schema: Schema) -> str:
    """Return the first type that a schema allows beside null."""
    named = [each.get("type", ()) for each in schema.get("anyOf", [schema])]
    types = [name for each in named for name in ([each] if isinstance(each, str) else each)]
    return next((name for name in types if name != "null"), "string")
