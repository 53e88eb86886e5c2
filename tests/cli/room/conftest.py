"""Fixtures for commands that talk to a room: a room in a thread of its own, and users with folders of their own."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatr.app import running_room
from chatr.client.blocking import LoopThread
from chatr.settings import Settings
from tests.cli.conftest import Chatr
from tests.conftest import NO_RATE_LIMIT, OPEN_SETTINGS


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without settings, who has joined no room."""
    for name in ("CHATR_URL", "CHATR_KEY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@contextmanager
def room_in_thread(**overrides: Any) -> Iterator[str]:
    """Run a room in a thread during the block; yields its address."""
    thread, stack = LoopThread.start(), AsyncExitStack()
    settings = Settings(**(OPEN_SETTINGS | {"rate_unverified": NO_RATE_LIMIT} | overrides))
    try:
        yield thread.run(stack.enter_async_context(running_room(settings))).url
    finally:
        thread.run(stack.aclose())
        thread.loop.call_soon_threadsafe(thread.loop.stop)
        thread.thread.join()
        thread.loop.close()


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a room that runs while the commands do."""
    with room_in_thread() as url:
        yield url


JoinAs = Callable[[str], None]


@pytest.fixture
def join_as(chatr: Chatr, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> JoinAs:
    """Makes the following commands those of a user with this name, who joins the room if the user is new."""

    def switch(name: str) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name))
        assert chatr("join", name, "--room", url).code == 0

    return switch
