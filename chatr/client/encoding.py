"""Parameters of requests and bodies of responses, as the client encodes and decodes them."""

from typing import Any, TypeVar

from msgspec import DecodeError, json

from chatr.client.failed_connections import not_a_room

T = TypeVar("T")


def not_none(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def decode(url: str, body: bytes, as_type: type[T]) -> T:
    """Decode the body of a response; unknown fields are ignored. Raises NoAnswer if it has another form."""
    try:
        return json.decode(body, type=as_type)
    except (DecodeError, RecursionError) as error:
        raise not_a_room(url, str(error)) from error
