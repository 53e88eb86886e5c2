"""The limits that are facts of the log: what a start makes of those that the operator gives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatr.app import Running, running
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits
from chatr.settings import Settings, load
from chatr.testing.clock import SettableClock


@pytest.fixture
def log(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chatr.db"


@asynccontextmanager
async def started(log: str, **given: Any) -> AsyncIterator[Running]:
    """The room, opened once more on the same log."""
    async with running(Settings(log=log, port=0, **given), clock=SettableClock()) as room:
        yield room


async def in_force(log: str, **given: Any) -> tuple[Limits, int]:
    """The limits after one more start, and how many records there are then."""
    async with started(log, **given) as room:
        return room.node.room.house.limits, room.node.room.position


PUBLISHED = Limits()
STRICT = Limits(Limit(5, MINUTE), Limit(1, HOUR), 600 * SECOND)
GIVEN: dict[str, Any] = {"rate_verified": Limit(5, MINUTE), "rate_unverified": Limit(1, HOUR), "online_for": 600}


async def test_a_new_log_begins_with_its_limits(log: str) -> None:
    """The first record says what is in force, also where nothing was given."""
    assert await in_force(log) == (PUBLISHED, 1)


async def test_a_new_log_begins_with_the_limits_that_are_given(log: str) -> None:
    """What is given at the first start is in force from the first record on."""
    assert await in_force(log, **GIVEN) == (STRICT, 1)


async def test_a_default_never_overrides_the_log(log: str) -> None:
    """Whoever starts without the flags of last time keeps the limits of last time."""
    await in_force(log, **GIVEN)

    assert await in_force(log) == (STRICT, 1)


async def test_limits_that_are_in_force_are_not_adopted_again(log: str) -> None:
    """Restarting with the same flags writes nothing."""
    await in_force(log, **GIVEN)

    assert await in_force(log, **GIVEN) == (STRICT, 1)


@pytest.mark.parametrize("name", GIVEN)
async def test_a_limit_that_is_given_is_adopted_once(name: str, log: str) -> None:
    """One record changes the one limit, leaves the others as they are, and holds until the next one is given."""
    await in_force(log)
    changed = await in_force(log, **{name: GIVEN[name]})
    later = await in_force(log)

    assert changed == (Settings(**{name: GIVEN[name]}).limits(PUBLISHED), 2)
    assert later == changed


async def test_the_published_limits_are_adopted_where_they_are_given(log: str) -> None:
    """A default that is written out is given: that is the way back."""
    await in_force(log, **GIVEN)

    assert await in_force(log, rate_verified=Limit(10, MINUTE)) == (
        Limits(Limit(10, MINUTE), Limit(1, HOUR), 600 * SECOND),
        2,
    )


async def test_a_change_of_limits_is_told_to_the_operator(log: str) -> None:
    """One line names the old limits and the new ones; where nothing changed there is none."""
    lines = []
    for given in (GIVEN, {}, {"rate_unverified": Limit(2, MINUTE)}, {}):
        with capture_logs() as logs:
            await in_force(log, **given)
        lines.append([(each["old"], each["new"]) for each in logs if each["event"] == "limits_adopted"])

    new = "verified 5 per minute, unverified 2 per minute, online for 10 minutes"
    assert lines == [[], [], [("verified 5 per minute, unverified 1 per hour, online for 10 minutes", new)], []]


async def test_limits_in_a_file_are_given_too(log: str, tmp_path: Path) -> None:
    """Where a limit was written down does not matter."""
    await in_force(log)
    file = tmp_path / "chatr.toml"
    file.write_text("rate_unverified = '1/3600'", "utf-8")
    settings = load({}, {"CHATR_LOG": log, "CHATR_PORT": "0"}, file)
    async with running(settings, clock=SettableClock()) as room:
        limits = room.node.room.house.limits

    assert limits == Limits(unverified=Limit(1, HOUR))
