"""Each client does the same in each scenario of `scenarios.yaml`, and leaves nothing open."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.client.driver import CLIENTS, Driver, running_driver
from tests.client.faulty_proxy import faulty_proxy
from tests.client.scenario_room import ScenarioRoom
from tests.client.scenario_run import SCENARIOS, ScenarioRun

EVERYDAY = ("the answer to a post is lost", "a stream is cut within an event")


async def differences(scenario: dict[str, Any], driver: Driver, folder: Path, prefix: str) -> dict[str, Any]:
    """Run a scenario, and return what differs from it."""
    async with faulty_proxy() as proxy:
        return await ScenarioRun(scenario, driver, ScenarioRoom(folder, prefix, proxy), proxy).run()


async def failures(client: str, names: Iterable[str], folder: Path) -> dict[str, Any]:
    """Run scenarios at the same time, and return those that failed, with the reason."""
    chosen = [scenario for scenario in SCENARIOS if scenario["name"] in names]
    async with running_driver(client, folder) as driver:
        found = await asyncio.gather(
            *(differences(scenario, driver, folder, f"{number}-") for number, scenario in enumerate(chosen))
        )
        ended = await driver.end()
    failed = {scenario["name"]: each for scenario, each in zip(chosen, found, strict=True) if each}
    return failed if ended == (0, "") else {**failed, "end": ended}


@pytest.mark.parametrize("client", ["with_asyncio", "with_node", pytest.param("blocking", marks=pytest.mark.long)])
async def test_lost_responses_and_streams_are_repaired(client: str, tmp_path: Path) -> None:
    """After a lost response and a lost stream, each message is posted once and received once."""
    assert await failures(client, EVERYDAY, tmp_path) == {}


@pytest.mark.long
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_does_what_the_scenarios_say(client: str, tmp_path: Path) -> None:
    """A client behaves as each scenario says, and its process ends without a warning."""
    names = [scenario["name"] for scenario in SCENARIOS if scenario["name"] not in EVERYDAY]

    assert await failures(client, names, tmp_path) == {}
