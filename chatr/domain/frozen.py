"""Classes whose instances do not change. mypy sees to it, and nothing when they are made: docs/decisions/reading.md."""

from functools import partial
from typing import TYPE_CHECKING

from attrs import define

__all__ = ["frozen"]

if TYPE_CHECKING:
    from attrs import frozen
else:
    frozen = partial(define, unsafe_hash=True)
