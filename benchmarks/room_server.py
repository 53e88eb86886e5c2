"""A server of a log in a process of its own, and the costs of its start and its end."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
from attrs import define, field, frozen

from benchmarks.loop_pauses import longest_pause
from benchmarks.servers import UNLIMITED, free_port

FLAT, LINEAR = "flat", "linear"


@frozen
class Figure:
    """A cost: what of, its unit, whether it should be FLAT or LINEAR, and its value."""

    name: str
    unit: str
    shape: str
    value: float


@define
class RoomServer:
    """A server of a log, in a process of its own. `since` is the time at which its current phase began."""

    log: Path
    port: int = field(factory=free_port)
    process: psutil.Popen = field(init=False)
    since: float = field(init=False, default=0.0)

    @property
    def pauses(self) -> Path:
        """The file with the pauses of its event loop."""
        return self.log.with_suffix(".pauses")

    def start(self, name: str) -> list[Figure]:
        """Start it, and return the costs until it serves the room."""
        self.since = time.monotonic()
        flags = ["--rate-requests", UNLIMITED, "--log", f"sqlite:///{self.log}", "--port", str(self.port)]
        command = [sys.executable, "-m", "benchmarks.loop_pauses", str(self.pauses), "serve", *flags]
        self.process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        # The first line is printed when the room is open.
        if not self.process.stdout.readline():
            raise RuntimeError("The server has ended.")
        cpu, passed = Figure(f"{name}, CPU", "s", LINEAR, self.cpu()), time.monotonic() - self.since
        return [Figure(name, "s", LINEAR, passed), cpu, self.longest_pause(name), self.memory(f"after {name}")]

    def stop(self, name: str) -> list[Figure]:
        """Stop it, and return the costs."""
        self.since, most = time.monotonic(), 0.0
        self.process.terminate()
        while self.process.poll() is None:
            with suppress(psutil.Error):
                most = max(most, self.process.memory_info().rss)
            time.sleep(0.01)
        passed = time.monotonic() - self.since
        return [
            Figure(name, "s", LINEAR, passed),
            self.longest_pause(name),
            Figure(f"memory at most during {name}", "MB", LINEAR, most / 1e6),
        ]

    def end(self) -> None:
        """End it at once if it runs, because what it costs does not matter any longer."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def memory(self, name: str) -> Figure:
        """Return the memory that it uses now."""
        return Figure(f"memory {name}", "MB", LINEAR, self.process.memory_info().rss / 1e6)

    def longest_pause(self, name: str) -> Figure:
        """Return the longest pause of its event loop in this phase."""
        return Figure(f"pause during {name}", "ms", FLAT, longest_pause(self.pauses, self.since))

    def cpu(self) -> float:
        """Return the seconds of CPU that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)
