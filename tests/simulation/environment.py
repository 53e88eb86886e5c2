"""Replace what surrounds the program: the listening socket, the clock, randomness, and constants that are too large."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from chatr.past.checkpoint import Checkpoint
from tests.simulation.admin_connections import serving_operators
from tests.simulation.conditions import Conditions
from tests.simulation.loop import LIFETIME, Listener, SimulatedAcceptor
from tests.simulation.node_log import node_log
from tests.simulation.process import MACHINE_CLOCK, SeededSecrets
from tests.simulation.world import World

# Checkpoints are flushed to the disk; in memory that takes no time.
MEMORY_FOLDER: Final = Path("/dev/shm")


class LoggedErrors(logging.Handler):
    """Reports what aiohttp logs as an error, except by a process that was killed."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        """Report one log record."""
        lifetime = LIFETIME.get(None)
        error = record.exc_info[1] if record.exc_info else None
        # aiohttp 3.14 counts a handler twice that ends at the moment at which a shutdown gives it up.
        if not isinstance(error, asyncio.InvalidStateError) and (lifetime is None or not lifetime.over):
            self._world.faults.append(f"{record.getMessage()} {record.exc_info}")


@contextmanager
def replaced(targets: Mapping[str, object]) -> Iterator[None]:
    """Replace objects by their dotted names while the block runs."""
    with ExitStack() as stack:
        for target, value in targets.items():
            stack.enter_context(patch(target, value))
        yield


def smaller_constants(conditions: Conditions) -> AbstractContextManager[None]:
    """Replace constants that a short world would never reach."""
    places = ("chatr.domain.history.MESSAGES_IN_MEMORY", "chatr.past.snapshot_reading.MESSAGES_IN_MEMORY")
    return replaced(
        {
            **dict.fromkeys(places, conditions.messages_in_memory),
            "chatr.adapters.http.stream.endpoint.MAX_FIRST_BYTES": 4096,
            "chatr.adapters.http.stream.backlog.BLOCK": 7,
            "chatr.adapters.http.stream.backlog.CHANGES_AT_ONCE": 4,
            "chatr.adapters.http.stream.endpoint.CHANGES_IN_SLICE": 3,
            "chatr.adapters.http.stream.lagging_watcher.CHANGES_IN_SLICE": 3,
            "chatr.adapters.stores.group_commit.MAX_GROUP": conditions.max_group,
        }
    )


@contextmanager
def simulated_environment(world: World) -> Iterator[Path]:
    """Replace what the program would take from the machine while the block runs. Yields the folder of checkpoints."""
    secrets, aiohttp = SeededSecrets(world.random), logging.getLogger("aiohttp")
    with TemporaryDirectory(dir=MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None) as folder:
        for process in world.processes:
            process.checkpoint = Path(folder, process.settings.log.reveal())
        targets = {
            "chatr.app.SystemSecrets": lambda: secrets,
            "chatr.app.SystemClock": MACHINE_CLOCK.get,
            "chatr.app.serving_operators": serving_operators,
            "chatr.app.checkpoint_for": lambda settings: Checkpoint(
                Path(folder, settings.log.reveal()), every=world.conditions.records_between
            ),
            "chatr.adapters.http.listener.listen": lambda host, port: [Listener((host, port))],
            "chatr.adapters.http.listener.Acceptor": SimulatedAcceptor,
            "chatr.adapters.http.server.random": world.random,
            "chatr.admin.server.has_gone": lambda writer: writer.is_closing(),
            # The scrubber rests according to the time that it used, which is another one in each run.
            "chatr.node.scrubber.process_time": lambda: 0.0,
        }
        # What belongs to a command of its own: no bar is shown, and no log line goes to standard error.
        targets |= {
            f"chatr.cli.commands.admin.short_lived_node.{name}": value
            for name, value in {
                "open_current_log": lambda _url: node_log(world.store),
                "SystemSecrets": lambda: secrets,
                "SystemClock": MACHINE_CLOCK.get,
                "progress": lambda *_: nullcontext(lambda _position: None),
            }.items()
        }
        with replaced(targets), patch.multiple(aiohttp, handlers=[LoggedErrors(world)], propagate=False):
            yield Path(folder)
