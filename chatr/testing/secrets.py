"""Secrets that anybody can guess."""

from itertools import count

from chatr.domain.keys import RANDOM_LENGTH, key_of
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH


def record_id(number: int) -> str:
    """A record's id that looks like any other and has a fingerprint of its own."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def code(number: int) -> str:
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[number // base**place % base] for place in reversed(range(CODE_LENGTH)))


class CountedSecrets:
    """Fulfils `chatr.ports.Secrets`: the first, the second, the third …, the same ones in every run."""

    def __init__(self, first: int = 1) -> None:
        self._keys = count(first)
        self._codes = count(first)
        self._record_ids = count(first)

    def key(self) -> str:
        return key_of(f"{next(self._keys):0{RANDOM_LENGTH}}")

    def code(self) -> str:
        return code(next(self._codes))

    def record_id(self) -> str:
        return record_id(next(self._record_ids))
