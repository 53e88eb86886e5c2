"""Predictable secrets: the same ones in every run of a test."""

from itertools import count

from chatr.domain.keys import RANDOM_LENGTH, key_from_random
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH


def record_id(number: int) -> str:
    """The record id with this number. It has the form of any other, and its fingerprint is unique."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def code(number: int) -> str:
    """The verification code with this number."""
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[number // base**place % base] for place in reversed(range(CODE_LENGTH)))


class CountedSecrets:
    """Implements `chatr.ports.Secrets` by counting: each kind of secret begins with number `first`."""

    def __init__(self, first: int = 1) -> None:
        self._keys = count(first)
        self._codes = count(first)
        self._record_ids = count(first)
        self._salts = count(first)

    def key(self) -> str:
        """The next API key, with a valid checksum."""
        return key_from_random(f"{next(self._keys):0{RANDOM_LENGTH}}")

    def code(self) -> str:
        """The next verification code."""
        return code(next(self._codes))

    def record_id(self) -> str:
        """The next record id."""
        return record_id(next(self._record_ids))

    def salt(self) -> str:
        """The next salt."""
        return f"{next(self._salts):016}"
