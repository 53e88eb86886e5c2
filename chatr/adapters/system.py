"""The operating system's clock, its random generator, and its limit of open files."""

import resource
import secrets
import time
from typing import Final
from uuid import uuid4

from chatr.domain.keys import ALPHABET, RANDOM_LENGTH, key_from_random
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH, SALT_BYTES

UNLIMITED_FILES: Final = 1_000_000
"""Open files that are counted on where the system sets no limit."""


class SystemClock:
    """Reads the operating system's clocks. Implements `chatr.ports.Clock`."""

    def now(self) -> int:
        """Return the milliseconds since 1970-01-01T00:00:00Z; steps back when the clock is set back."""
        return time.time_ns() // 1_000_000

    def elapsed(self) -> int:
        """Return the milliseconds since an arbitrary moment; never steps back."""
        return time.monotonic_ns() // 1_000_000


class SystemSecrets:
    """Draws from the operating system's random generator. Implements `chatr.ports.Secrets`."""

    def key(self) -> str:
        """Return a new API key."""
        return key_from_random("".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH)))

    def code(self) -> str:
        """Return a new verification code."""
        return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))

    def record_id(self) -> str:
        """Return a new UUID of version 4 for a record."""
        return str(uuid4())

    def salt(self) -> str:
        """Return random text to be stored beside a message."""
        return secrets.token_urlsafe(SALT_BYTES)


def raise_open_file_limit(wanted: int) -> int:
    """Raise this process's limit of open files to `wanted`, or as far as the system allows; return the new limit.

    A limit that is already higher stays as it is.
    """
    soft, hard = (
        wanted if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    granted = max(soft, min(wanted, hard))
    if granted > soft:
        # The hard limit is read again, because `hard` stands for an unlimited one by a number.
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return granted


def open_file_limit() -> int:
    """Return how many files this process may have open, connections included."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED_FILES if soft == resource.RLIM_INFINITY else soft
