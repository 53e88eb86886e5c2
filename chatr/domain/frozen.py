"""Classes whose instances do not change. mypy sees to it; at run time it would cost more than all else in a fold.

See "Zero-overhead frozen attrs classes" by the maintainer of cattrs, and docs/decisions/reading.md.
"""

from functools import partial
from typing import TYPE_CHECKING

from attrs import define

__all__ = ["frozen"]

if TYPE_CHECKING:
    from attrs import frozen
else:
    frozen = partial(define, unsafe_hash=True)
