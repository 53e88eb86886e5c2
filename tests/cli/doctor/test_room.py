"""The running server: whether it answers, is this version, is ready, and follows the log that is checked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from chatr import __version__
from chatr.adapters.stores.memory import MemoryLog
from chatr.cli.doctor import proxy
from chatr.cli.doctor.check import Check
from chatr.cli.doctor.proxy import check_proxy
from chatr.cli.doctor.room import check_room
from chatr.domain.limits import MINUTE, Limit
from chatr.ports import LogUnavailable
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom
from tests.reverse_proxies import free_port

RATE = Limit(20, MINUTE)
HEALTH = {"success": True, "status": "ok", "version": __version__}
LOG_ID = "11111111-2222-4333-8444-555555555555"
HEAD = {"success": True, "position": 1, "digest": "00", "logId": LOG_ID}
READY = {"success": True, "status": "ready"}

Answers = dict[str, Callable[[], web.StreamResponse]]
StartServer = Callable[[Answers], Any]


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """Starts a server that gives these responses by path; returns its URL."""
    runners: list[web.ServerRunner] = []
    ended = asyncio.Event()

    async def start(answers: Answers) -> str:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            answer = answers.get(request.path.rsplit("/", 1)[-1])
            response = answer() if answer else web.json_response({"success": False}, status=404)
            if isinstance(response, web.Response):
                return response
            await response.prepare(request)
            await ended.wait()
            return response

        runners.append(web.ServerRunner(web.Server(handle), shutdown_timeout=0))
        await runners[-1].setup()
        site = web.TCPSite(runners[-1], "127.0.0.1", 0)
        await site.start()
        assert site._server is not None  # noqa: SLF001 -- aiohttp has no public name for the port of a site
        return f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]  # noqa: SLF001 -- as above

    yield start
    ended.set()
    for runner in runners:
        await runner.cleanup()


def answering(**changes: Callable[[], web.StreamResponse]) -> Answers:
    """The responses of a healthy room, with some of them changed."""
    answers: Answers = {
        "health": lambda: web.json_response(HEALTH),
        "ready": lambda: web.json_response(READY),
        "head": lambda: web.json_response(HEAD),
    }
    return answers | changes


def at(seconds: float) -> dict[str, str]:
    """The header of a response that a server with this clock sends."""
    return {"Date": formatdate(seconds, usegmt=True)}


FAULTS: dict[str, tuple[Answers, str, str]] = {
    "another version": (
        answering(health=lambda: web.json_response(HEALTH | {"version": "0.0.1"})),
        "warning",
        "of version 0.0.1",
    ),
    "no chatr": (answering(health=lambda: web.Response(text="It works!")), "problem", "No room answers"),
    "no version": (answering(health=lambda: web.json_response({"status": "ok"})), "problem", "No room answers"),
    "failing": (answering(health=lambda: web.json_response(HEALTH, status=500)), "problem", "answers with 500"),
    "clock": (
        answering(health=lambda: web.json_response(HEALTH, headers=at(1_700_000_000))),
        "warning",
        "differs by -",
    ),
    "starting": (
        answering(ready=lambda: web.json_response({"position": 10, "head": 1000}, status=503)),
        "problem",
        "It has read 10 of 1,000 records.",
    ),
    "altered": (answering(ready=lambda: web.json_response(READY | {"altered": 7})), "problem", "record 7 was altered"),
    "another log": (answering(head=lambda: web.json_response(HEAD | {"logId": "x"})), "problem", "another log"),
    "no head": (answering(head=lambda: web.Response(text="?")), "problem", "stopped answering"),
}


async def checks(url: str, log_id: str | None = LOG_ID, *, must_run: bool = True) -> list[Check]:
    """Return the checks of the server at `url`."""
    return [check async for check in check_room(url, log_id, must_run=must_run)]


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_of_the_server_is_named(name: str, start_server: StartServer) -> None:
    """One check finds it and says what to do, and the others find nothing."""
    answers, status, text = FAULTS[name]
    (check,) = (each for each in await checks(await start_server(answers)) if each.status != "ok")

    assert (check.status, text in check.found) == (status, True), check
    assert check.remedy


async def test_a_real_room_has_no_fault(open_room: OpenRoom) -> None:
    """A room that was just opened answers, is ready, and follows its log."""
    room = await open_room()
    found = await checks(room.running.url, room.running.node.room.log_id)

    assert [check.status for check in found] == ["ok"] * 4, found


async def test_a_room_whose_store_is_away_is_not_ready(open_room: OpenRoom) -> None:
    """The server answers, and says that it cannot append."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    log.fail("head", LogUnavailable("away"))
    found = {check.name: check.status for check in await checks(room.running.url, room.running.node.room.log_id)}

    assert (found["server"], found["readiness"]) == ("ok", "problem")


@pytest.mark.parametrize(("must_run", "status"), [(True, "problem"), (False, "skipped")])
async def test_no_server_is_a_problem_where_one_should_be(must_run: bool, status: str) -> None:
    """Where --url names a server it must answer; without it the room may be stopped."""
    (check,) = await checks(f"http://127.0.0.1:{free_port()}", must_run=must_run)

    assert check.status == status


async def test_an_unreadable_log_is_not_compared(start_server: StartServer) -> None:
    """Where the log could not be read, nothing is found about the log that the server follows."""
    found = await checks(await start_server(answering()), None)

    assert [(check.name, check.status) for check in found][-1] == ("followed log", "skipped")


def streaming(**headers: str) -> web.StreamResponse:
    """A stream on which nothing is sent."""
    return web.StreamResponse(headers=headers)


class Slow(web.StreamResponse):
    """A response whose headers are not sent either."""

    async def prepare(self, _request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send nothing."""
        return None


def slow() -> web.StreamResponse:
    """A stream that a proxy holds back as a whole."""
    return Slow()


PROXY_FAULTS: dict[str, tuple[Answers, str, str]] = {
    "buffered": ({"stream": streaming}, "stream", "the proxy buffers it"),
    "held back with its headers": ({"stream": slow}, "stream", "the proxy buffers it"),
    "ended": ({"stream": lambda: web.Response(text="")}, "stream", "ends at once"),
    "ended within an event": ({"stream": lambda: web.Response(text="data: {}\n")}, "stream", "ends at once"),
    "compressed": ({"stream": lambda: streaming(**{"Content-Encoding": "gzip"})}, "stream", "compresses the stream"),
    "not passed on": ({"stream": lambda: web.Response(status=502)}, "stream", "answers with 502"),
    "errors replaced": ({"does-not-exist": lambda: web.Response(status=500)}, "errors", "answers with 500"),
    "stored": (
        {"health": lambda: web.json_response({"status": "ok"}, headers={"X-Request-Id": "1"})},
        "cache",
        "stores what it may not",
    ),
    "errors in HTML": (
        {"does-not-exist": lambda: web.Response(text="<h1>404</h1>", content_type="text/html", status=404)},
        "errors",
        "not the server's own JSON",
    ),
}


@pytest.mark.parametrize("name", PROXY_FAULTS)
async def test_a_fault_of_the_proxy_is_named(
    name: str, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is held back or compressed, and errors that agents cannot read, are found."""
    monkeypatch.setattr(proxy, "FIRST_FRAME", 0.1)
    answers, which, text = PROXY_FAULTS[name]
    url = await start_server({"stream": lambda: web.Response(text="data: {}\n\n")} | answers)
    (check,) = [each async for each in check_proxy(url, None, RATE) if each.name == which]

    assert (check.status, text in check.found) == ("problem", True), check
    assert check.remedy


async def test_a_machine_that_is_refused_must_wait(start_server: StartServer) -> None:
    """A second run within a minute finds its requests used up, which is no fault of the proxy."""

    def refuse() -> web.Response:
        return web.json_response({"success": False, "code": "address_rate_limited"}, status=429)

    url = await start_server(dict.fromkeys(("stream", "does-not-exist", "agents"), refuse))
    checks = [each async for each in check_proxy(url, url, RATE)]

    assert [check.status for check in checks] == ["skipped"] * 3, checks


async def test_a_private_room_is_read_with_the_key(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the key in CHATR_KEY the checks that read are skipped, and the proxy is not blamed."""
    private = await open_room(reading="agents")
    ada = await private.register()
    found = {}
    for key in ("", ada.key):
        monkeypatch.setenv("CHATR_KEY", key)
        followed = await checks(private.running.url, private.running.node.room.log_id)
        (stream, *_) = [each async for each in check_proxy(private.running.url, None, RATE)]
        found[key] = (followed[-1].status, stream.status)

    assert found == {"": ("skipped", "skipped"), ada.key: ("ok", "ok")}


async def test_a_proxy_that_cannot_be_reached_is_named() -> None:
    """The public address does not lead to the room."""
    (check,) = [each async for each in check_proxy(f"http://127.0.0.1:{free_port()}", None, RATE)]

    assert (check.status, "cannot be reached" in check.found) == ("problem", True)
