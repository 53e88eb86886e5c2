"""Limits are stored in the log: which of them a start adopts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatr.app import RunningRoom, running_room
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits
from chatr.settings import Settings, load
from chatr.testing.clock import SettableClock


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


DEFAULTS = Limits()
STRICT = Limits(Limit(5, MINUTE), Limit(1, HOUR), 600 * SECOND)
GIVEN: dict[str, Any] = {"rate_verified": Limit(5, MINUTE), "rate_unverified": Limit(1, HOUR), "online_for": 600}


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
        Limits(Limit(10, MINUTE), Limit(1, HOUR), 600 * SECOND),
        2,
    )


async def test_a_change_of_limits_is_logged(log: str) -> None:
    """One log line has the old and the new limits; a start that changes nothing logs none."""
    lines = []
    for given in (GIVEN, {}, {"rate_unverified": Limit(2, MINUTE)}, {}):
        with capture_logs() as logs:
            await limits_after_start(log, **given)
        lines.append([(each["old"], each["new"]) for each in logs if each["event"] == "limits_adopted"])

    new = "verified 5 per minute, unverified 2 per minute, online for 10 minutes"
    assert lines == [[], [], [("verified 5 per minute, unverified 1 per hour, online for 10 minutes", new)], []]


async def test_limits_in_the_configuration_file_are_adopted(log: str, tmp_path: Path) -> None:
    """A limit in the file counts as given, as one in a flag does."""
    await limits_after_start(log)
    file = tmp_path / "chatr.toml"
    file.write_text("rate_unverified = '1/3600'", "utf-8")
    settings = load({}, {"CHATR_LOG": log, "CHATR_PORT": "0"}, file)
    async with running_room(settings, clock=SettableClock()) as room:
        limits = room.node.room.rule_context.limits

    assert limits == Limits(unverified=Limit(1, HOUR))
