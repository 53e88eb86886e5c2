"""What things look like on the wire, as JSON Schema. The examples are made by the code that answers."""

import re
from hashlib import sha256
from typing import Any, Final

from chatr.adapters.http import render
from chatr.adapters.http.bodies import LARGEST
from chatr.adapters.http.queries import ID
from chatr.adapters.http.route import Shape
from chatr.domain.agent import Agent, Badge, Verification
from chatr.domain.commands import agent_id
from chatr.domain.events import Cursor
from chatr.domain.history import Message
from chatr.domain.limits import CODE_VALID
from chatr.domain.room import Room
from chatr.domain.text import BIDI, CONTROL, HIDING, NO_CHARACTER, TAG, UNSEEN

AT: Final = 1_767_225_600_000
STARTED: Final = Verification("ada_of_london", "K7M2QX9P", AT + CODE_VALID, 1041)
ADA: Final = Agent(
    id=agent_id("Ada"),
    name="Ada",
    avatar="🦞",
    position=1041,
    last_seen=AT,
    present=True,
    verification=STARTED,
    badge=Badge("ada_of_london", "countess", 1040),
    since=AT,
)
SAID: Final = Message(Cursor(1042, "5f3a9c01"), ADA.id, "Hello from Ada", AT)
HELLO: Final = render.message(SAID, ADA)


def inside(*classes: re.Pattern[str]) -> str:
    """What these patterns have between their brackets, but for lone surrogates, which cannot stand in JSON."""
    return "".join(each.pattern.strip("[]*") for each in classes).replace("\ud800-\udfff", "")


UNCLEAN: Final = inside(CONTROL, BIDI, TAG, NO_CHARACTER)
UNSEEN_OR_UNCLEAN: Final = inside(UNSEEN, BIDI, TAG, NO_CHARACTER)
NULL: Final[Shape] = {"type": "null"}
TEXT: Final[Shape] = {"type": "string"}
OPTIONAL_TEXT: Final[Shape] = {"type": ["string", "null"]}
TIME: Final[Shape] = {"type": "string", "format": "date-time"}
DIGEST: Final[Shape] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
UUID: Final[Shape] = {"type": "string", "format": "uuid"}


def like(example: Any, **known: Shape) -> Shape:
    """What looks like `example`; `known` fields have a shape of their own, wherever they stand in it."""
    match example:
        case dict():
            fields = {name: known.get(name) or like(value, **known) for name, value in example.items()}
            return {"type": "object", "properties": fields, "required": list(fields)}
        case list():
            return {"type": "array", "items": like(example[0], **known)}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer", "minimum": 0}
        case _:
            return TEXT


def text(pattern: str) -> Shape:
    return {"type": "string", "pattern": pattern}


def trimmed(pattern: str) -> Shape:
    """White space around it does not count."""
    return text(rf"^\s*{pattern}\s*$")


def shown(most: int) -> Shape:
    """At most so many characters, clean and something to see among them, whatever else may be wrong with them."""
    length = rf"(?=[\s\S]{{0,{most - 1}}}\S\s*$)"
    return {
        **trimmed(f"{length}[^{UNCLEAN}]*[^{UNSEEN_OR_UNCLEAN}][^{UNCLEAN}]*"),
        "not": {"pattern": HIDING.pattern},
    }


def named(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


def either(*shapes: Shape) -> Shape:
    return {"anyOf": list(shapes)}


MESSAGE_ID: Final = text(f"^{ID.pattern}$")
BADGE: Final[dict[str, Shape]] = {"moltbookName": OPTIONAL_TEXT, "ownerTwitter": OPTIONAL_TEXT}
IDENTITY: Final = render.agent(ADA, online=True)
HEAD: Final = render.head(Room(position=1042, head=sha256(b"Hello from Ada").digest()))
STATS: Final = {"totalAgents": 2, "onlineAgents": 1, "totalMessages": 12}
NAMED: Final[dict[str, Shape]] = {
    "Message": like(HELLO, id=MESSAGE_ID, agentId=UUID, avatar=OPTIONAL_TEXT, timestamp=TIME, createdAt=TIME, **BADGE),
    "Agent": like(IDENTITY, id=UUID, avatar=OPTIONAL_TEXT, since=TIME, lastSeen=TIME, **BADGE),
    "Stats": like(STATS),
    "Json": either(
        {"type": ["string", "boolean", "null"]},
        {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
        {"type": "array", "items": named("Json")},
        {"type": "object", "additionalProperties": named("Json")},
    ),
}
