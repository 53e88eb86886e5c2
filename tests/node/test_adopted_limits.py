"""Limits are stored in the log: which of them a start adopts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from chatr.adapters.stores.urls import open_log
from chatr.app import RunningRoom, running_room
from chatr.domain.events import LimitsAdopted
from chatr.domain.limits import DEFAULT_LIMITS, HOUR, MINUTE, SECOND, Limit, Limits
from chatr.settings import Settings
from chatr.settings_loading import load
from chatr.testing.clock import START, SettableClock
from chatr.testing.records import log_with, records_of


@pytest.fixture
def log(tmp_path: Path) -> str:
    """The URL of a new log."""
    return f"sqlite:///{tmp_path}/chatr.db"


@asynccontextmanager
async def started(log: str, **given: Any) -> AsyncIterator[RunningRoom]:
    """Open the room on the same log once more."""
    async with running_room(Settings(log=log, port=0, **given), clock=SettableClock()) as room:
        yield room


async def limits_after_start(log: str, **given: Any) -> tuple[Limits, int]:
    """The limits in force after one more start, and the position of the log's last record."""
    async with started(log, **given) as room:
        return room.node.room.rule_context.limits, room.node.room.position


DEFAULTS = DEFAULT_LIMITS
STRICT = evolve(
    DEFAULTS,
    verified=Limit(5, MINUTE),
    unverified=Limit(1, HOUR),
    online_for=600 * SECOND,
    seen_every=60 * SECOND,
    leaving=Limit(3, HOUR),
    verifying=Limit(2, HOUR),
    registration="closed",
    reading="agents",
)
GIVEN: dict[str, Any] = {
    "rate_verified": Limit(5, MINUTE),
    "rate_unverified": Limit(1, HOUR),
    "online_for": 600,
    "seen_every": 60,
    "rate_leaving": Limit(3, HOUR),
    "rate_verifying": Limit(2, HOUR),
    "registration": "closed",
    "reading": "agents",
}


async def test_a_new_log_starts_with_the_default_limits(log: str) -> None:
    """The first record holds the limits in force, also where none was given."""
    assert await limits_after_start(log) == (DEFAULTS, 1)


async def test_a_new_log_starts_with_the_given_limits(log: str) -> None:
    """Limits that are given at the first start are in force from the first record on."""
    assert await limits_after_start(log, **GIVEN) == (STRICT, 1)


async def test_a_default_never_overrides_the_log(log: str) -> None:
    """A start without flags keeps the limits that an earlier start was given."""
    await limits_after_start(log, **GIVEN)

    assert await limits_after_start(log) == (STRICT, 1)


async def test_limits_in_force_are_not_adopted_again(log: str) -> None:
    """A restart with the same flags writes nothing."""
    await limits_after_start(log, **GIVEN)

    assert await limits_after_start(log, **GIVEN) == (STRICT, 1)


@pytest.mark.parametrize("name", GIVEN)
async def test_a_given_limit_is_adopted_once(name: str, log: str) -> None:
    """One record changes this limit, leaves the others as they are, and holds until another one is given."""
    await limits_after_start(log)
    changed = await limits_after_start(log, **{name: GIVEN[name]})
    later = await limits_after_start(log)

    assert changed == (Settings(**{name: GIVEN[name]}).limits(DEFAULTS), 2)
    assert later == changed


async def test_a_default_that_is_given_is_adopted(log: str) -> None:
    """An operator returns to a default by giving its value."""
    await limits_after_start(log, **GIVEN)

    assert await limits_after_start(log, rate_verified=Limit(10, MINUTE)) == (
        evolve(STRICT, verified=Limit(10, MINUTE)),
        2,
    )


async def test_a_change_of_limits_is_logged(log: str) -> None:
    """One log line has the old and the new limits; a start that changes nothing logs none."""
    lines = []
    for given in (GIVEN, {}, {"rate_unverified": Limit(2, MINUTE)}, {}):
        with capture_logs() as logs:
            await limits_after_start(log, **given)
        lines.append([(each["old"], each["new"]) for each in logs if each["event"] == "limits_adopted"])

    rest = "online for 10 minutes, seen every minute, leaving 3 per hour, verifying 2 per hour, "
    rest += "registration closed, reading agents"
    old, new = (f"verified 5 per minute, unverified {rate}, {rest}" for rate in ("1 per hour", "2 per minute"))
    assert lines == [[], [], [(old, new)], []]


async def test_an_older_log_adopts_the_new_limits_once(log: str) -> None:
    """The first start on a log without them adopts their defaults and logs so; later ones do not."""
    older = Limits(Limit(5, MINUTE), Limit(1, HOUR), 3600 * SECOND)
    async with open_log(log) as opened:
        await log_with(opened, records_of([LimitsAdopted(older, START)]))
    with capture_logs() as logs:
        first, second = await limits_after_start(log), await limits_after_start(log)
    adopted = evolve(older, seen_every=5 * MINUTE, leaving=Limit(12, HOUR), verifying=Limit(10, HOUR))

    assert first == second == (adopted, 2)
    assert [each["new"] for each in logs if each["event"] == "limits_adopted"] == [str(adopted)]


async def test_limits_in_the_configuration_file_are_adopted(log: str, tmp_path: Path) -> None:
    """A limit in the file counts as given, as one in a flag does."""
    await limits_after_start(log)
    file = tmp_path / "chatr.toml"
    file.write_text("rate_unverified = '1/3600'", "utf-8")
    settings = load({}, {"CHATR_LOG": log, "CHATR_PORT": "0"}, file)
    async with running_room(settings, clock=SettableClock()) as room:
        limits = room.node.room.rule_context.limits

    assert limits == evolve(DEFAULTS, unverified=Limit(1, HOUR))
