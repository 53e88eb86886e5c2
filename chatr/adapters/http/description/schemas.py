"""JSON Schemas of the wire types, and building blocks for the schemas of parameters."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.json import schema_components

from chatr.adapters.http.description.route import Schema
from chatr.adapters.http.json_body import LARGEST_NUMBER
from chatr.adapters.http.query_string import ID
from chatr.domain.invisible import FLAG, ISOLATES_IN_PAIRS, ONLY_SHORT_RUNS
from chatr.domain.text import ANNOTATION, BIDI, CONTROL, NO_CHARACTER, ONLY_INVISIBLE, TAG

PREFIX: Final = "#/components/schemas/"
NULL: Final[Schema] = {"type": "null"}
ANYTHING: Final[Schema] = {}
"""A value that is moved into its range, or ignored where it is of another type."""
TEXT: Final[Schema] = {"type": "string"}


def reference(name: str) -> Schema:
    """Return a reference to the schema with this name in the document."""
    return {"$ref": f"{PREFIX}{name}"}


def either(*schemas: Schema) -> Schema:
    """Return the schema of values that match at least one of `schemas`."""
    return {"anyOf": list(schemas)}


def schema_of(types: Iterable[type[Struct]]) -> Schema:
    """Return the schema of values of one of these wire types, by reference."""
    references = [reference(each.__name__) for each in types]
    return references[0] if len(references) == 1 else either(*references)


def component_schemas(types: Iterable[type[Struct]]) -> dict[str, Schema]:
    """Return the schemas of these wire types and of all types inside them, by name."""
    _, components = schema_components(types, ref_template=f"{PREFIX}{{name}}")
    return {name: as_sent(schema) for name, schema in components.items()}


def as_sent(schema: Mapping[str, Any]) -> Schema:
    """Return a type's schema as it holds for what the server sends.

    msgspec describes what may be decoded, where a field with a default may be missing. The server sends it always.
    """
    required = [
        name for name, field in schema["properties"].items() if name in schema["required"] or "default" in field
    ]
    return {
        **schema,
        "properties": {name: without_default(field) for name, field in schema["properties"].items()},
        "required": required,
    }


def without_default(field: Mapping[str, Any]) -> Schema:
    """Return a field's schema without its default; a field with one possible value as a constant."""
    match field:
        case {"enum": [value]}:
            return {"const": value}
        case _:
            return {name: value for name, value in field.items() if name != "default"}


def text(pattern: str) -> Schema:
    """Return the schema of strings that match a regular expression."""
    return {"type": "string", "pattern": pattern}


def trimmed(pattern: str) -> Schema:
    """Return the schema of strings that match after white space around them is removed."""
    return text(rf"^\s*{pattern}\s*$")


def clamped(least: int, most: int, default: int) -> Schema:
    """Return the schema of a number that the server clamps to its range. Text that is no number means the default."""
    # Any text is accepted too: a malformed number in a query string is no error.
    return either({"type": "integer", "minimum": least, "maximum": most, "default": default}, TEXT)


def characters_of(*classes: re.Pattern[str]) -> str:
    """Return what these character classes contain, for a character class in a JSON Schema."""
    # Lone surrogates are left out: they cannot stand in a JSON document in UTF-8.
    return "".join(each.pattern.strip("[]*") for each in classes).replace("\ud800-\udfff", "")


FORBIDDEN: Final = characters_of(CONTROL, BIDI, ANNOTATION, TAG, NO_CHARACTER)
INVISIBLE_OR_FORBIDDEN: Final = characters_of(ONLY_INVISIBLE, BIDI, ANNOTATION, TAG, NO_CHARACTER)


LINE_BREAK: Final = re.compile("[\t\n\x85\u2028\u2029]*")
"""What a text of one line must not contain, besides the control characters that no text may contain."""


def visible_text(max_length: int, *also_forbidden: re.Pattern[str]) -> Schema:
    """Return the schema of text with at most `max_length` characters, none forbidden and at least one visible."""
    more = characters_of(*also_forbidden)
    # A lookahead instead of maxLength, which would count the white space around the text that is removed.
    length = rf"(?=[\s\S]{{0,{max_length - 1}}}\S\s*$)"
    allowed, visible = (f"(?:{FLAG.pattern}|[^{each}{more}])" for each in (FORBIDDEN, INVISIBLE_OR_FORBIDDEN))
    patterns = (f"{length}{allowed}*{visible}{allowed}*", ONLY_SHORT_RUNS.pattern, ISOLATES_IN_PAIRS.pattern)
    return {"type": "string", "allOf": [{"pattern": trimmed(pattern)["pattern"]} for pattern in patterns]}


MESSAGE_ID: Final = text(f"^{ID.pattern}$")
# Numbers beyond 2^53 are rejected anywhere in a body, also in fields that are ignored.
ANY_JSON: Final = either(
    {"type": ["string", "boolean", "null"]},
    {"type": "number", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER},
    {"type": "array", "items": reference("Json")},
    {"type": "object", "additionalProperties": reference("Json")},
)
"""The schema named `Json`: what the server accepts in fields of a request body that it ignores."""
