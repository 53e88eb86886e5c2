"""Makes the fields of `chatr.settings.Settings`, each with its format and its description."""

from collections.abc import Callable
from typing import Any

from attrs import field


def setting(
    default: Any, metavar: str, description: str, parse: Callable[[str], Any] = str, *, example: str = ""
) -> Any:
    """A field of `Settings`. `metavar` and `description` are printed by --help and in the reference documentation;
    `parse` makes the value from text and raises ValueError. A setting without a default needs an `example`.
    """
    return field(default=default, metadata=described(metavar, description, parse, example=example))


def described(
    metavar: str, description: str, parse: Callable[[str], Any] = str, *, example: str = ""
) -> dict[str, Any]:
    """What `setting` says of a field. A field with a converter is not made by it: mypy would not know the converter."""
    return {"metavar": metavar, "description": description, "parse": parse, "example": example}
