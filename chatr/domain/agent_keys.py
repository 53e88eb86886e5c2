"""Which API keys open an agent, folded from its events. Keys stand here as SHA-256 in hex.

A key opens from the event that names it until it is revoked, the agent is recovered, or a newer key is issued before it
was ever used; or else until the end of the grace that begins with the first use of a newer key. Then it never opens
again: the room remembers the digests of void keys.
"""

from typing import Final, assert_never

from attrs import evolve

from chatr.domain.immutability import statically_frozen
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyEvent, KeyIssued, KeyRevoked
from chatr.domain.limits import ROTATIONS, with_time


@statically_frozen
class PendingKey:
    """A key that was not used yet. With its first use the others stay open for `grace` milliseconds.

    `by` is the operator who issued it; None: the agent asked for it.
    """

    digest: str
    grace: int
    by: str | None


@statically_frozen
class ExpiringKey:
    """A key that another one has replaced, and that is open before `until`, milliseconds since 1970."""

    digest: str
    until: int


@statically_frozen
class OtherKeys:
    """The keys of an agent besides its current one.

    `rotated_at` are the times at which it last was given a key without an operator, also by a repeated registration
    (checkpoints store that name). `request` is the SHA-256 of the Idempotency-Key of its registration. `changed_at` is
    when its keys last changed; None: never since it registered.
    """

    pending: PendingKey | None = None
    expiring: tuple[ExpiringKey, ...] = ()
    rotated_at: tuple[int, ...] = ()
    request: str | None = None
    changed_at: int | None = None

    def is_pending(self, digest: str) -> bool:
        """Whether a key was issued and not used yet."""
        return self.pending is not None and self.pending.digest == digest

    def are_open(self, digest: str, at: int) -> bool:
        """Whether a key opens at `at`."""
        return self.is_pending(digest) or any(each.digest == digest and at < each.until for each in self.expiring)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of all of them, also of those that have expired but were not dropped yet."""
        pending = () if self.pending is None else (self.pending.digest,)
        return (*pending, *(each.digest for each in self.expiring))


NO_OTHER_KEYS: Final = OtherKeys()


def keys_after(current: str, other: OtherKeys, event: KeyEvent) -> tuple[str, OtherKeys]:
    """The current key ("" = none) and the other ones of an agent after an event."""
    match event:
        case KeyIssued():
            # A newer pending key replaces an older one: its response may have been lost.
            pending = PendingKey(event.key_digest, event.grace, event.by)
            rotated_at = other.rotated_at if event.by else with_time(other.rotated_at, event.at, ROTATIONS)
            return current, evolve(other, pending=pending, rotated_at=rotated_at)
        case KeyActivated():
            return event.key_digest, after_activation(current, other, event)
        case KeyRevoked():
            pending_key = other.pending if other.pending and other.pending.digest != event.key_digest else None
            expiring = tuple(each for each in other.expiring if each.digest != event.key_digest)
            still = "" if current == event.key_digest else current
            return still, evolve(other, pending=pending_key, expiring=expiring, changed_at=event.at)
        case AgentRecovered():
            # The old keys may have been stolen, so they have no grace.
            return event.key_digest, evolve(other, pending=None, expiring=(), changed_at=event.at)
        case _:
            assert_never(event)


def after_activation(current: str, other: OtherKeys, event: KeyActivated) -> OtherKeys:
    """The other keys after the pending one became the current one."""
    grace = other.pending.grace if other.pending and other.pending.digest == event.key_digest else 0
    until = event.at + grace
    replaced = () if current in ("", event.key_digest) else (ExpiringKey(current, until),)
    # The grace of the newest change holds for all earlier keys: whoever says 0 wants every old key closed.
    expiring = (ExpiringKey(each.digest, min(each.until, until)) for each in (*other.expiring, *replaced))
    still_open = tuple(each for each in expiring if event.at < each.until)
    return evolve(other, pending=None, expiring=still_open, changed_at=event.at)
