"""What a service tells systemd, received by a real datagram socket."""

import asyncio
import os
import re

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import Timeouts, running_room
from chatr.node.record_slices import SLICE
from chatr.service_notification import notify, send_signs_of_life, watchdog_interval
from chatr.settings import Settings
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from tests.conftest import Serve
from tests.deploy.conftest import Supervisor
from tests.node_agents import numbered_texts, register_agent

BAD_SOCKETS = ["", "@", "/", "/nowhere/notify", "relative", "x" * 1_000, "@" + "x" * 1_000, "/a\udcffb"]


@pytest.mark.parametrize("supervisor", ["path", "abstract"], indirect=True)
def test_assignments_arrive_in_one_datagram(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assignments are separated by line feeds, on a socket with a path and on an abstract one."""
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)

    assert notify("READY=1", "STATUS=Serving.") is True
    assert supervisor.receive() == ["READY=1", "STATUS=Serving."]


@pytest.mark.parametrize("address", BAD_SOCKETS)
def test_a_bad_socket_is_harmless(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the supervisor's socket does not exist or cannot be one, nothing is sent and nothing is raised."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    assert notify("READY=1") is False


def test_without_a_supervisor_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no systemd started has no socket to notify."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert notify("READY=1") is False


def test_a_supervisor_that_does_not_read_delays_nothing(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the socket's queue is full, notifications are dropped instead of waited for."""
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)

    assert not all(notify("WATCHDOG=1") for _ in range(10_000))


@pytest.mark.parametrize(
    ("timeout", "process", "interval"),
    [
        (None, None, None),
        ("30000000", None, 15.0),
        ("30000000", str(os.getpid()), 15.0),
        ("30000000", str(os.getpid() + 1), None),
        ("0", None, None),
        ("-1", None, None),
        ("soon", None, None),
        ("30000000", "me", None),
    ],
    ids=["no watchdog", "any process", "this process", "another process", "zero", "negative", "a word", "no process"],
)
def test_signs_of_life_come_twice_in_the_watchdogs_time(
    timeout: str | None, process: str | None, interval: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interval is half of WATCHDOG_USEC. There is none if that is missing, bad or meant for another process."""
    for name, value in (("WATCHDOG_USEC", timeout), ("WATCHDOG_PID", process)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert watchdog_interval() == interval


async def test_signs_of_life_end_with_the_follower(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a background task of the room has ended, the watchdog hears nothing more."""
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    following = asyncio.create_task(asyncio.Event().wait())
    sending = asyncio.create_task(send_signs_of_life(following))
    alive = [await asyncio.to_thread(supervisor.receive) for _ in range(3)]
    following.cancel()
    await asyncio.wait([sending])

    assert alive == [["WATCHDOG=1"]] * 3


def test_a_server_notifies_from_its_start_to_its_stop(
    supervisor: Supervisor, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor learns when the room serves, that it lives, and when it stops."""
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    server = serve("--log", "memory:")
    started = supervisor.receive_until("READY=1")
    supervisor.receive_until("WATCHDOG=1")
    server.process.terminate()
    supervisor.receive_until("STOPPING=1")

    assert started == ["STATUS=Opening the log.", "READY=1", f"STATUS=Serving {server.url}."]
    assert server.process.wait() == 0


async def test_a_start_that_reads_a_long_log_extends_its_time(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a long log is read, systemd is shown how far, and asked to go on waiting as long as that advances."""
    log = MemoryLog()
    node = node_on(log)
    following = asyncio.create_task(node.follower.run())
    await (await register_agent(node)).post(*numbered_texts(4 * SLICE))
    following.cancel()
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    timeouts = Timeouts(progress_interval=0)
    async with running_room(Settings(log="memory:", port=0), event_log=log, timeouts=timeouts):
        status, extension = await asyncio.to_thread(supervisor.receive)

    assert re.fullmatch(rf"STATUS=Reading the log: [1-9]\d\d of {4 * SLICE + 1} records\.", status)
    assert extension == "EXTEND_TIMEOUT_USEC=30000000"


async def test_a_start_that_does_not_advance_is_not_extended(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that hangs is ended by systemd after TimeoutStartSec."""
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    memory = MemoryLog()
    log = FaultyLog(memory)
    log.change("head", lambda head: head + 3, times=3)
    async with running_room(Settings(log="memory:", port=0), event_log=log, timeouts=Timeouts(progress_interval=0)):
        notify("READY=1")

    assert supervisor.receive() == ["READY=1"]
