"""Reading of a configuration file."""

import tomllib
from pathlib import Path
from typing import Any, Final

from chatr.text_of_bytes import text_of_bytes

LARGEST_CONFIG: Final = 1_000_000
"""Bytes of a configuration file."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the keys and values of a TOML file. Raises OSError or ValueError."""
    # Not only regular files: a shell passes `--config <(…)` as a pipe. But /dev/zero has no end.
    with path.open("rb") as file:
        text = file.read(LARGEST_CONFIG + 1)
    if len(text) > LARGEST_CONFIG:
        raise ValueError(f"it has more than {LARGEST_CONFIG} bytes")
    return tomllib.loads(text_of_bytes(text))
