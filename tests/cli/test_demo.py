"""chatr serve --demo: a room for a first evening."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from chatr.app import running_room
from chatr.cli.demo import DEMO_FLAGS, check_demo, demo_flags, demo_notice
from chatr.domain.limits import MINUTE, Limit
from chatr.settings import DEFAULTS_OF_A_NEW_LOG, BadSetting, Settings, flag, variable
from chatr.settings_loading import load
from tests.conftest import OPEN_SETTINGS, Serve

LOOPBACK = ["127.0.0.1", "127.0.0.2", "::1", "localhost"]
ELSEWHERE = ["0.0.0.0", "::", "192.168.1.2", "2001:db8::1", "example.org", "localhost.example.org"]


def demo_settings(environ: dict[str, str] | None = None, config: Path | None = None, **flags: Any) -> Settings:
    """Return the settings of a demo."""
    return load(demo_flags(flags), environ or {}, config)


def is_wider(one: Any, other: Any) -> bool:
    """Whether a limit allows more than another one of its kind."""
    if isinstance(one, Limit):
        return bool(one.count * other.window > other.count * one.window)
    return bool(one > other)


def test_a_demo_keeps_its_log_in_memory() -> None:
    """A variable or a file that names the log of a real room does not count, so that nothing of a demo gets into it."""
    assert str(demo_settings({"CHATR_LOG": "sqlite:///real.db"}).log) == "memory:"


def test_a_flag_wins_over_the_demo() -> None:
    """What is given on the command line holds, also the log; what is not given is None."""
    settings = demo_settings(log="sqlite:///demo.db", rate_verified="1/60", port=None)

    assert (str(settings.log), settings.rate_verified, settings.port) == ("sqlite:///demo.db", Limit(1, MINUTE), 8080)


def test_a_demo_has_wider_limits() -> None:
    """Every limit of a demo is wider than the default."""
    usual = {name: DEFAULTS_OF_A_NEW_LOG.get(name, getattr(Settings(), name)) for name in DEMO_FLAGS if name != "log"}

    assert [name for name, value in usual.items() if not is_wider(getattr(demo_settings(), name), value)] == []


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_demo_listens_on_this_machine(host: str) -> None:
    """Every loopback address may be given."""
    check_demo(demo_settings(host=host, metrics=f"[{host}]:9464" if ":" in host else f"{host}:9464"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("host", host) for host in ELSEWHERE),
        ("public_url", "https://chat.example.org"),
        *(("metrics", address) for address in ("0.0.0.0:9464", "[::]:9464")),
    ],
)
def test_a_demo_is_not_opened_to_others(name: str, value: str) -> None:
    """It does not start where other machines could reach it, and says in one sentence why."""
    with pytest.raises(BadSetting) as error:
        check_demo(demo_settings({variable(name): value}))

    assert str(error.value).startswith("A demo is for this machine alone")
    assert flag(name) in str(error.value)


@pytest.mark.parametrize(("log", "end"), [("memory:", "Everything is lost"), ("sqlite:///demo.db", "The log keeps")])
def test_a_demo_says_its_numbers(log: str, end: str) -> None:
    """It says at its start which limits it has, and what becomes of the messages."""
    notice = demo_notice(demo_settings(log=log))

    assert [
        each for each in ("60 per minute", "1000 per hour", "6000 per minute", "200 streams", end) if each not in notice
    ] == []


@pytest.mark.parametrize(("is_demo", "count"), [(True, 1), (False, 0)])
async def test_the_page_and_the_skill_say_that_it_is_a_demo(is_demo: bool, count: int) -> None:
    """People and agents learn that the room will be gone."""
    async with running_room(Settings(**OPEN_SETTINGS), demo=is_demo) as room, ClientSession(room.url) as http:
        texts = [await (await http.get(path)).text() for path in ("/", "/skills.md", "/llms.txt", "/heartbeat.md")]

    assert [text.count(">Demo<") + text.count("This is a demo") for text in texts] == [count] * 4


@pytest.mark.long
def test_a_demo_starts(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`chatr serve --demo` serves, says that it is a demo, and leaves no file."""
    monkeypatch.setenv("CHATR_LOG", f"sqlite:///{tmp_path}/real.db")
    server = serve("--demo")
    assert server.process.stdout is not None
    lines = [server.process.stdout.readline() for _ in range(2)]

    assert "This is a demo" in lines[1]
    assert "This is a demo" in server.get("/skills.md")
    assert list(tmp_path.iterdir()) == []
