"""Runs the scenarios of `scenarios.yaml`, which says what their steps are."""

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

import yaml
from attrs import define, field

from tests.client.driver import Driver
from tests.client.faulty_proxy import Fault, FaultyProxy
from tests.client.scenario_room import ScenarioRoom

SCENARIOS: Final[Sequence[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "scenarios.yaml").read_text("utf-8")
)
TIMEOUT: Final = 40.0
"""Seconds for a scenario. Only a client that hangs takes so long."""
TIME_LIMIT: Final = 20
"""Seconds for which the clients retry a call."""
RANGE: Final = re.compile("number ([0-9]+) to ([0-9]+)")


@define(eq=False)
class ScenarioRun:
    """A run of one scenario with one client, and the reports of the client."""

    scenario: dict[str, Any]
    driver: Driver
    room: ScenarioRoom
    proxy: FaultyProxy
    _key: str = ""
    _posted: int = 0
    _differences: dict[str, Any] = field(factory=dict)
    _messages: list[str] = field(factory=list)
    _removed: list[str] = field(factory=list)
    _ended: list[Any] = field(factory=list)
    _answers: list[dict[str, Any]] = field(factory=list)

    async def run(self) -> dict[str, Any]:
        """Run all steps. Returns the differences from what the scenario expects, by the name of what differs."""
        self.driver.results[self.scenario["name"]] = asyncio.Queue()
        await self.room.start()
        self._key = (await self.room.register("Ada"))["apiKey"]
        self._open({})
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._run_steps()
        except TimeoutError:
            self._differences["time-out"] = self._messages, self.proxy.requests
        finally:
            await self.room.stop()
        return self._differences

    async def _run_steps(self) -> None:
        for step in self.scenario["steps"]:
            await self._step(step)
        messages = expected_messages(self.scenario)
        await self._until(lambda: len(self._messages) >= len(messages))
        await self._until(lambda: len(self._removed) >= len(self.scenario.get("removed", ())))
        await self._until(lambda: "ended" not in self.scenario or self._ended != [])
        self._send("close")
        await self._until(lambda: {"closed": True} in self._answers)
        self._expect("messages", messages, self._messages)
        removed = [self.room.ids[text] for text in self.scenario.get("removed", ())]
        self._expect("removed", removed, self._removed)
        if "ended" in self.scenario:
            self._expect("ended", self.scenario["ended"], fields(self._ended[0], self.scenario["ended"]))
        if "stored" in self.scenario:
            self._expect("stored", self.scenario["stored"], await self.room.stored())
        for request, count in self.scenario.get("requests", {}).items():
            self._expect(request, count, sum(each.startswith(request) for each in self.proxy.requests))
        if "seconds" in self.scenario:
            self._expect("seconds", True, self.proxy.times[-1] - self.proxy.times[0] >= self.scenario["seconds"])

    async def _step(self, step: dict[str, Any]) -> None:  # noqa: C901 -- one case for each kind of step
        match step:
            case {"fault": fault}:
                self.proxy.faults.append(Fault(**fault))
            case {"open": options}:
                self._open(options)
            case {"call": method}:
                await self._call(method, step)
            case {"follow": options}:
                await self._follow(options, waits=step.get("waits", True))
            case {"cancel": _}:
                self._send("cancel")
                await self._until(lambda: not self.proxy.open_streams)
            case {"await": texts}:
                await self._until(lambda: len(self._messages) >= len(texts))
            case {"post": text}:
                await self.room.post(text)
            case {"posts": count}:
                for _ in range(count):
                    await self.room.post(str(self._posted))
                    self._posted += 1
            case {"remove": text}:
                await self.room.remove(text)
            case {"room": what}:
                await self.room.change(what, step.get("in", 0))

    async def _call(self, method: str, step: dict[str, Any]) -> None:
        self._answers.clear()
        options = {name: self._filled(value) for name, value in step.get("options", {}).items()}
        self._send(method, args=step.get("args", []), options=options)
        await self._until(lambda: self._answers != [])
        for kind in ("result", "error"):
            found = self._answers[0].get(kind)
            self._expect(f"{method}: {kind}", step.get(kind, {}), fields(found, step.get(kind, {})))
        self._expect(f"{method} raises", "error" in step, "error" in self._answers[0])
        for name, path in step.get("keep", {}).items():
            self.room.ids[name] = fields(self._answers[0].get("result"), [path])[path]

    def _filled(self, value: object) -> object:
        return value.format(**self.room.ids) if isinstance(value, str) else value

    async def _follow(self, options: dict[str, Any], *, waits: bool) -> None:
        begun = self.proxy.begun_streams
        self._send("follow", options={name: self._filled(value) for name, value in options.items()})
        # What is posted before its stream has begun would be in the history.
        await self._until(lambda: not waits or self.proxy.begun_streams > begun)

    def _open(self, options: dict[str, Any]) -> None:
        self._send("open", url=self.proxy.url, key=self._key, **{"time_limit": TIME_LIMIT, **options})

    def _send(self, what: str, **more: object) -> None:
        self.driver.send(self.scenario["name"], {"do": what, **more})

    def _expect(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            self._differences[what] = f"expected {expected}, found {found}"

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for reports of the client until a condition holds."""
        results = self.driver.results[self.scenario["name"]]
        while not holds():
            try:
                report = await asyncio.wait_for(results.get(), 0.02)
            except TimeoutError:
                continue  # what the proxy counts may have changed
            match report:
                case {"message": text}:
                    self._messages.append(text)
                case {"removed": {"id": message}}:
                    self._removed.append(message)
                case {"ended": how}:
                    self._ended.append(how)
                case answer:
                    self._answers.append(answer)


def expected_messages(scenario: dict[str, Any]) -> list[str]:
    """Return the texts that a scenario expects. One of them may stand for many: "number 0 to 9"."""
    texts: list[str] = []
    for text in scenario.get("messages", ()):
        found = RANGE.fullmatch(text)
        texts += map(str, range(int(found[1]), int(found[2]) + 1)) if found else [text]
    return texts


def fields(of: Any, paths: Sequence[str] | dict[str, Any]) -> dict[str, Any]:
    """Return the values at these paths, None where there is none: `messages.0.content`."""
    return {path: reduce(item, path.split("."), of) for path in paths}


def item(of: Any, name: str) -> Any:
    """Return the item of a list, or the field of an object; None if there is none."""
    if isinstance(of, list):
        return of[int(name)] if int(name) < len(of) else None
    return of.get(name) if isinstance(of, dict) else None
