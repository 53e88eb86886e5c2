"""The machine's clock, its generator of secrets, and how many files it lets a process open."""

import resource
import secrets
import time

from chatr.domain.keys import ALPHABET, RANDOM_LENGTH, key_of
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def elapsed(self) -> int:
        return time.monotonic_ns() // 1_000_000


class SystemSecrets:
    def key(self) -> str:
        return key_of("".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH)))

    def code(self) -> str:
        return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))

    def record_id(self) -> str:
        """A UUID of version 4; `uuid.uuid4` takes four times as long to make one."""
        drawn = secrets.token_hex(16)
        return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-8{drawn[17:20]}-{drawn[20:]}"


def open_files(wanted: int) -> int:
    """How many files this process may have open: `wanted`, or as many as the system grants."""
    soft, hard = (
        wanted if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    granted = max(soft, min(wanted, hard))
    if granted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return granted
