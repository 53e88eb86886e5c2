"""The decorator of classes whose objects are made for every record: frozen for type checkers, mutable at run time.

attrs guards a frozen class by assigning each field through `object.__setattr__`, which costs about a microsecond for an
object of nine fields. A record is five such objects, so that the guard took a fifth of the time that reading a log
takes. mypy rejects assignments to these objects instead; at run time nothing stops them.

Tests call `enforce`, so that they run with classes that are really frozen and a mutation fails a test.
"""

from typing import TYPE_CHECKING

from attrs import define, frozen

__all__ = ["enforce", "statically_frozen"]


class _Switch:
    """Whether `enforce` was called, and the name of a class that was made before."""

    enforced = False
    mutable_class: str | None = None


if TYPE_CHECKING:
    from attrs import frozen as statically_frozen
else:

    def statically_frozen(cls: type) -> type:
        """Make a slotted attrs class that is hashable, and frozen if `enforce` was called before."""
        if _Switch.enforced:
            return frozen(cls)
        _Switch.mutable_class = cls.__name__
        return define(cls, unsafe_hash=True)


def enforce() -> None:
    """Really freeze every class that `statically_frozen` makes from now on.

    Raises RuntimeError if a class was made already: its module was imported too early and would stay mutable.
    """
    if _Switch.mutable_class is not None:
        raise RuntimeError(
            f"{_Switch.mutable_class} is mutable: call enforce() before anything else of chatr is imported."
        )
    _Switch.enforced = True
