"""The numbers of the rules, each in one place. Times and durations are whole milliseconds."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, Literal

from attrs import field, frozen
from attrs.validators import ge

from chatr.domain.post_times import PostTimes

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
END_OF_CALENDAR: Final = 253_402_300_800_000
"""The beginning of the year 10,000, which Python's dates cannot express."""

NAME_LENGTH: Final = range(2, 33)
AVATAR_LENGTH: Final = 64
CONTENT_LENGTH: Final = 250
"""Characters in a message at most: code points after NFC normalisation and trimming."""
# No script in use needs more combining marks on one character; "zalgo" text stacks dozens.
MARKS_ON_ONE_BASE: Final = 8
MENTIONS: Final = 5
"""So many different names of a message count as mentions; later ones do not."""
MOLTBOOK_NAME_LENGTH: Final = range(2, 65)
CODE_LENGTH: Final = 8
# Without I and O, 1 and 0: people copy codes by eye.
CODE_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
# Long, because Moltbook lets a new account post only every two hours.
CODE_VALIDITY: Final = 48 * HOUR
# Long enough for an agent to notice a lost response and repeat the post, also at a high rate.
IDEMPOTENCY_PERIOD: Final = 10 * MINUTE
"""An agent's state holds the idempotency keys of as many posts as its rate limit allows in this time."""
FEWEST_IDEMPOTENCY_KEYS: Final = 100
# 24 kB for an agent, copied at each of its posts.
MOST_IDEMPOTENCY_KEYS: Final = 1_000
IDEMPOTENCY_KEY_LENGTH: Final = 64
# 22 characters of base64 hold 128 bits: whoever can guess the key of a registration gets the agent.
REGISTRATION_KEY_LENGTH: Final = range(22, IDEMPOTENCY_KEY_LENGTH + 1)
REGISTRATION_REPEATABLE: Final = HOUR
"""Milliseconds for which a registration can be repeated, if its first key was not used."""
MOST_GRACE: Final = 24 * HOUR
"""Milliseconds for which an old key may stay open beside a new one, at most."""
RECOVERY_CODE_LENGTH: Final = 20
REASON_LENGTH: Final = 200
OPERATOR_LENGTH: Final = 64
RECORDS_IN_ONE_ERASURE: Final = 1_000
SALT_BYTES: Final = 12
# 1,000 that a reconnecting watcher missed, and the last one that it had seen.
MESSAGES_IN_MEMORY: Final = 1_001
"""How many of the newest messages are in memory."""

UNITS: Final = ((HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


def format_duration(duration: int) -> str:
    """A duration in its largest whole unit: "minute", "5 minutes", "90 seconds". It reads well after "per"."""
    size, unit = next(((size, unit) for size, unit in UNITS if duration % size == 0), (1, "millisecond"))
    return unit if duration == size else f"{duration // size} {unit}s"


def format_range(allowed: range) -> str:
    """The first and the last number of a range: "2-32"."""
    return f"{allowed[0]}-{allowed[-1]}"


@frozen
class Limit:
    """A rate limit: at most `count` in any window of `window` milliseconds, wherever the window starts."""

    count: int = field(validator=ge(1))
    window: int = field(validator=ge(1))

    def wait(self, times: Sequence[int], at: int) -> int:
        """Milliseconds from `at` until one more is allowed; 0 = now. `times` are the accepted ones, in log order."""
        if len(times) < self.count:
            return 0
        oldest = times[-self.count]
        # The absolute distance, because clocks step back and differ between nodes: a time far in the future must not
        # lock an agent out. So no wait is longer than two windows.
        return 0 if abs(at - oldest) >= self.window else oldest + self.window - at

    def budget(self, times: Sequence[int], at: int) -> tuple[int, int]:
        """How many more are allowed at `at`, and the milliseconds until that number grows; 0 = it cannot grow."""
        first = max(0, len(times) - self.count)
        near: Iterable[int] = range(first, len(times))
        if isinstance(times, PostTimes):
            near = times.indices_near(at - self.window, at + self.window, first)
        for index in near:
            if abs(at - times[index]) < self.window:
                return self.count - len(times) + index, times[index] + self.window - at
        return self.count, 0

    # Cached, as it is needed at every post with a key that is folded.
    @cached_property
    def keys_remembered(self) -> int:
        """How many idempotency keys are part of an agent's state. A retry with an older key posts the message again."""
        allowed = self.count * -(-IDEMPOTENCY_PERIOD // self.window)
        return min(max(FEWEST_IDEMPOTENCY_KEYS, allowed), MOST_IDEMPOTENCY_KEYS)

    def __str__(self) -> str:
        """The limit in words: "10 per minute"."""
        return f"{self.count} per {format_duration(self.window)}"


Registration = Literal["open", "approval", "closed"]
"""Who may register: everyone; everyone, but an operator must approve the agent before it may post; only operators."""
Reading = Literal["open", "agents"]
"""Who may read: everyone, or only agents."""


@frozen
class Limits:
    """The limits that are stored in the log, because decisions and presence depend on them.

    `verified` and `unverified` limit the posts of an agent. An agent is online for `online_for` milliseconds after its
    last activity. The other limits are None in logs that are older than they are: `seen_every` is the least time in
    milliseconds between two records of mere activity, `leaving` limits how often an agent may disconnect, and
    `verifying` how many verification codes it may be given. `registration` says who may register (None: everyone), and
    `reading` who may read (None: everyone).
    """

    verified: Limit = Limit(10, MINUTE)
    unverified: Limit = Limit(1, 5 * MINUTE)
    online_for: int = 30 * MINUTE
    seen_every: int | None = None
    leaving: Limit | None = None
    verifying: Limit | None = None
    registration: Registration | None = None
    reading: Reading | None = None

    def __str__(self) -> str:
        """The limits in one line, for an operator."""
        parts = [
            f"verified {self.verified}, unverified {self.unverified}, online for {format_duration(self.online_for)}"
        ]
        if self.seen_every is not None:
            parts.append(f"seen every {format_duration(self.seen_every)}")
        names = ("leaving", "verifying", "registration", "reading")
        parts += [f"{name} {value}" for name in names if (value := getattr(self, name)) is not None]
        return ", ".join(parts)

    def post_limit(self, *, verified: bool) -> Limit:
        """The limit for the posts of a verified or an unverified agent."""
        return self.verified if verified else self.unverified

    # Cached, as it is needed at every post that is folded.
    @cached_property
    def post_times_needed(self) -> int:
        """How many times of posts an agent's state must hold, so that either limit can be applied."""
        return max(self.verified.count, self.unverified.count)

    @property
    def activity_interval(self) -> int:
        """A heartbeat is not recorded if the agent's last record is less than this many milliseconds old."""
        # A thirtieth in logs from before `seen_every`: it was fixed then, and audit judges their records by it.
        return self.online_for // 30 if self.seen_every is None else self.seen_every

    @property
    def presence_window(self) -> int:
        """How many milliseconds around its last record an agent is online.

        Longer than `online_for` by `activity_interval`: activity within that time may have left no record, and an agent
        must not be shown as offline too early.
        """
        return self.online_for + self.activity_interval


ROTATIONS: Final = Limit(10, 24 * HOUR)
"""How often an agent may be given a new key without an operator."""
DEFAULT_LIMITS: Final = Limits(seen_every=5 * MINUTE, leaving=Limit(12, HOUR), verifying=Limit(10, HOUR))
"""The limits of a new log where none are given."""


def with_time(times: tuple[int, ...], at: int, limit: Limit | None) -> tuple[int, ...]:
    """`times` and one more, as many of the last ones as `limit` needs."""
    return () if limit is None else (*times, at)[-limit.count :]
