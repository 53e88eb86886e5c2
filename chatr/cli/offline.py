"""Since when an agent is offline, and why."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from attrs import frozen

from chatr.cli.output.operator_text import duration_text
from chatr.cli.output.text import format_time
from chatr.codec import TYPE_NAMES
from chatr.domain.agent import Agent
from chatr.domain.events import AgentLeft, AgentRegistered
from chatr.domain.limits import Limits
from chatr.domain.moderation_events import AgentSuspended
from chatr.ports import LogReader


class Cause(StrEnum):
    """Why an agent is offline. The values are part of --json."""

    SILENT = "silent"
    LEFT = "left"
    SUSPENDED = "suspended"
    NEVER_SEEN = "never seen"


CAUSES: Final[Mapping[str, Cause]] = {
    TYPE_NAMES[AgentLeft]: Cause.LEFT,
    TYPE_NAMES[AgentSuspended]: Cause.SUSPENDED,
    TYPE_NAMES[AgentRegistered]: Cause.NEVER_SEEN,
}
"""The stored types of the records after which an agent is offline."""


@frozen
class Offline:
    """Why an agent is offline, and since when, in milliseconds since 1970."""

    cause: Cause
    since: int

    def text(self, limits: Limits) -> str:
        """The time and the cause in words."""
        words = {
            Cause.SILENT: f"it was silent for {duration_text(limits.presence_window)}",
            Cause.LEFT: "it left",
            Cause.SUSPENDED: "it was suspended",
            Cause.NEVER_SEEN: "it was not seen after its registration",
        }
        return f"since {format_time(self.since)}: {words[self.cause]}"

    @property
    def json(self) -> dict[str, Any]:
        """The cause and the time as an object."""
        return {"why": self.cause, "since": format_time(self.since)}


async def find_offline(log: LogReader, agent: Agent, limits: Limits, now: int) -> Offline | None:
    """Return why a registered agent is offline at `now`; None if it is online, or if the log does not say it.

    Raises LogUnavailable.
    """
    # Seen long after `now`, by a clock that is ahead: nothing is known of the time before.
    if agent.is_online(now, limits) or agent.last_seen > now:
        return None
    if agent.present:
        return Offline(Cause.SILENT, agent.last_seen + limits.presence_window)
    # Records of operators and about keys may follow the one that took it offline.
    position = agent.position
    while position > 0:
        stored = next(iter(await log.read(position - 1, 1)), None)
        if stored is None:
            return None
        if stored.type in CAUSES:
            return Offline(CAUSES[stored.type], stored.at)
        # In a log that was altered `previous` may be anything. The position has to decrease, so that this ends.
        position = min(stored.previous, position - 1)
    return None
