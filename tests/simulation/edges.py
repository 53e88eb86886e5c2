"""Where the program ends and the world begins: what is put in the place of the store, the network and chance."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from chatr.checkpoint import Checkpoint
from tests.simulation.agents import Book
from tests.simulation.loop import LIFE, Listener
from tests.simulation.process import SeededSecrets
from tests.simulation.store import node_log
from tests.simulation.weather import Weather
from tests.simulation.world import World

MEMORY: Final = Path("/dev/shm")


class Diary(logging.Handler):
    """What aiohttp says is wrong; but whoever was killed is not to blame for how it ended."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        life = LIFE.get(None)
        error = record.exc_info[1] if record.exc_info else None
        # aiohttp 3.14 counts a handler twice that ends at the moment at which a shutdown gives it up.
        if not isinstance(error, asyncio.InvalidStateError) and (life is None or not life.over):
            self._world.wrong.append(f"{record.getMessage()} {record.exc_info}")


@contextmanager
def replaced(targets: Mapping[str, object]) -> Iterator[None]:
    with ExitStack() as stack:
        for target, value in targets.items():
            stack.enter_context(patch(target, value))
        yield


def numbers(weather: Weather) -> AbstractContextManager[None]:
    """Some that a short life would never reach are smaller."""
    places = ("chatr.domain.history.MESSAGES_KEPT", "chatr.kept.MESSAGES_KEPT")
    return replaced({**dict.fromkeys(places, weather.kept), "chatr.adapters.group_commit.LARGEST": weather.largest})


@contextmanager
def edges(world: World) -> Iterator[None]:
    """A world around whatever runs meanwhile."""
    secrets, book, aiohttp = SeededSecrets(world.random), Book(world.random), logging.getLogger("aiohttp")
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        edges = {
            "chatr.app.open_log": lambda _: node_log(world.store),
            "chatr.app.moltbook": lambda *_: nullcontext(book),
            "chatr.app.SystemSecrets": lambda: secrets,
            "chatr.app.checkpoint_of": lambda name: Checkpoint(Path(folder, name), every=world.weather.every),
            "chatr.adapters.http.site.listen": lambda host, port: Listener((host, port)),
            "chatr.adapters.http.site.random": world.random,
        }
        with replaced(edges), patch.multiple(aiohttp, handlers=[Diary(world)], propagate=False):
            yield
