"""Every setting: where it can be given, and which values are accepted."""

import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits
from chatr.secret import shown_url
from chatr.setting_values import ListenAddress, setting_text
from chatr.settings import BadSetting, Settings, flag, variable
from chatr.settings_loading import load

NAMES = [each.name for each in fields(Settings)]
SAMPLES: dict[str, tuple[str, Any]] = {
    "log": ("memory:", "memory:"),
    "read_only": ("on", True),
    "host": ("::1", "::1"),
    "port": ("0", 0),
    "public_url": (" https://chat.example.org:8443/ ", "https://chat.example.org:8443"),
    "moltbook_url": ("http://localhost:9/api/v1", "http://localhost:9/api/v1"),
    "moltbook_key": ("secret", "secret"),
    "trusted_proxies": ("10.0.0.0/8, 2001:db8::/32", (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))),
    "rate_verified": ("20/60", Limit(20, MINUTE)),
    "rate_unverified": ("2/90", Limit(2, 90 * SECOND)),
    "online_for": ("600", 600),
    "seen_every": ("60", 60),
    "rate_leaving": ("6/3600", Limit(6, HOUR)),
    "rate_verifying": ("1000/60", Limit(1000, MINUTE)),
    "registration": ("Approval", "approval"),
    "reading": (" agents ", "agents"),
    "search_engines": ("deny", "deny"),
    "rate_registrations": ("1/3600", Limit(1, HOUR)),
    "rate_requests": ("1000000/1", Limit(1_000_000, SECOND)),
    "max_streams_per_ip": ("3", 3),
    "max_streams": ("30", 30),
    "max_connections_per_ip": ("300", 300),
    "idle_timeout": ("60", 60),
    "history": ("0", 0),
    "stats_every": ("1", 1),
    "deny": ("192.0.2.7,2001:db8::/32", (ip_network("192.0.2.7"), ip_network("2001:db8::/32"))),
    "metrics": ("[::1]:9464", ListenAddress("::1", 9464)),
    "access_log": ("on", True),
    "log_level": ("Debug", "debug"),
    "admin_socket": (" /run/chatr/socket ", "/run/chatr/socket"),
    "search_index": (" /run/chatr/room.search ", "/run/chatr/room.search"),
}
BAD_VALUES: dict[str, list[str]] = {
    "host": ["", "h\udce9", "a\nb"],  # the empty address would be every address
    "port": ["", "-1", "65536", "http", "80.0", "8_0", "٨٠", "0x50", "1" * 5000, "0" * 30 + "99999"],
    "public_url": [
        "",
        "chat.example.org",
        "ftp://example.org",
        "https://",
        "https://[",
        "https://a/?b=c",
        "https://a/#b",
        "https://a/?",
        "https://a/#",
        "https://a\nb",
        "https://a\tb",
        "https://a b",
        "https://a:port",
        "https://a:0",
        "https://user:password@a",
        "https://a//b",
        "https://a/b/../c",
        "https://a/./b",
        "https://a/%2e%2E",
        "https://a/b%2Fc",
        "https://a/b%5Cc",
        "https://a/b%0Ac",
        "https://a/%",
        "https://a/b%zz",
        "https://a/%ff",
        'https://a/"b',
    ],
    "moltbook_url": ["", "moltbook", "file:///etc/passwd", "https://:80"],
    "trusted_proxies": ["10.0.0.1/8", "10.0.0.0/33", "proxy.example.org", "10.0.0.0/8;10.0.0.0/8", "*"],
    "rate_verified": ["", "10", "/", "10/", "/60", "0/60", "10/0", "-1/60", "1.5/60", "10/60/1", "10 / 60", "10per60"],
    "rate_unverified": ["1/1m", "1000001/60", "1/31622401", "1/" + "9" * 5000],
    "rate_registrations": ["unlimited", "5/hour"],
    "rate_requests": ["0/1", "120"],
    "seen_every": ["0", "-1", "5m", "31622401"],
    # An agent's state holds as many times as the count.
    "rate_leaving": ["1001/60", "0/60"],
    "rate_verifying": ["1001/60", "none"],
    # A misspelt setting must not leave a private room open.
    "registration": ["", "shut", "closed,open", "true"],
    "reading": ["", "private", "agent", "keys"],
    "search_engines": ["", "noindex", "on", "denied"],
    "online_for": ["29", "0", "-30", "30m", "31622401"],
    "max_streams_per_ip": ["0", "-1", "many", "1000001"],
    "max_streams": ["0", ""],
    "max_connections_per_ip": ["0", "1000001"],
    "idle_timeout": ["0", "1.5", "86401"],
    "history": ["-1", "1001", "all"],
    "stats_every": ["0", "3601"],
    "admin_socket": ["", " "],
    "search_index": ["", " "],
    "deny": ["192.0.2.7/24", "192.0.2.0/33", "example.org", "192.0.2.1-192.0.2.9"],
    # Without an address the port would be open to every machine.
    "metrics": [
        "",
        "9464",
        ":9464",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:9464",
        "[::1]",
        "[]:1",
        "[a]:1",
    ],
    "access_log": ["", "maybe", "onn"],
    "read_only": ["", "maybe", "onn"],
    "log_level": ["", "trace", "infos"],
}


def config_file(folder: Path, text: str) -> Path:
    """A configuration file with this text."""
    path = folder / "chatr.toml"
    path.write_text(text, "utf-8")
    return path


def one_sentence(error: pytest.ExceptionInfo[BadSetting]) -> str:
    """The text of an error, which must be one sentence."""
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_every_setting_has_a_sample() -> None:
    """Whoever adds a setting adds a sample value here."""
    assert list(SAMPLES) == NAMES


def test_the_defaults_are_those_of_the_contract() -> None:
    """Without any setting a room has the published limits."""
    settings = load({}, {}, None)

    assert (str(settings.log), settings.port, settings.trusted_proxies) == ("sqlite:///./chatr.db", 8080, ())
    assert settings.moltbook_url == "https://www.moltbook.com/api/v1"
    assert (settings.rate_registrations, settings.rate_requests) == (Limit(5, HOUR), Limit(120, MINUTE))
    assert (settings.max_streams_per_ip, settings.max_streams) == (10, 5000)
    assert (settings.history, settings.stats_every) == (100, 10)
    assert settings.limits(Limits()) == Limits(
        Limit(10, MINUTE), Limit(1, 5 * MINUTE), 1800 * SECOND, 300 * SECOND, Limit(12, HOUR), Limit(10, HOUR)
    )


@pytest.mark.parametrize(("online_for", "seen_every"), [(30, 5), (600, 100), (1800, 300), (86_400, 300)])
def test_activity_is_recorded_often_enough_for_a_short_online_for(online_for: int, seen_every: int) -> None:
    """Without `seen_every` it is 300 s, and at most a sixth of `online_for`."""
    assert Settings(online_for=online_for).limits(Limits()).seen_every == seen_every * SECOND


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("", ""),
        ("/", ""),
        ("/chat/", "/chat"),
        ("/a/b-c_d.e~f//", "/a/b-c_d.e~f"),
        ("/café", "/caf%C3%A9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/%63hat", "/chat"),
        ("/it's;$(x)", "/it%27s%3B%24%28x%29"),
        ("/a%20b%25", "/a%20b%25"),
    ],
)
def test_the_path_of_the_public_url_has_one_form(path: str, canonical: str) -> None:
    """It stands in shell commands and in requests, where only letters, digits and -._~ need no percent sign."""
    settings = load({"public_url": f"https://example.org{path}"}, {}, None)

    assert settings.public_url == f"https://example.org{canonical}"


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_can_be_given_as_a_flag(name: str) -> None:
    """The value of a flag is in force, and every other setting keeps its default."""
    text, value = SAMPLES[name]

    assert load({name: text}, {}, None) == Settings(**{name: value})


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_can_be_given_as_an_environment_variable(name: str) -> None:
    """The variable is CHATR_ and the name in capitals; other variables are ignored."""
    text, value = SAMPLES[name]
    environ = {f"CHATR_{name.upper()}": text, name: "x", name.upper(): "x", f"chatr_{name}": "x", "CHATR_URL": "x"}

    assert load({}, environ, None) == Settings(**{name: value})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dashed", [False, True])
def test_a_setting_can_be_given_in_the_file(name: str, dashed: bool, tmp_path: Path) -> None:
    """The key is the setting's name, with dashes as in the flag or with underscores."""
    text, value = SAMPLES[name]
    file = config_file(tmp_path, f"{name.replace('_', '-') if dashed else name} = '{text}'")

    assert load({}, {}, file) == Settings(**{name: value})


@pytest.mark.parametrize(
    ("toml", "name", "value"),
    [
        ("port = 0", "port", 0),
        ("online_for = 600", "online_for", 600),
        (
            "trusted_proxies = ['10.0.0.0/8', '::1/128']",
            "trusted_proxies",
            (ip_network("10.0.0.0/8"), ip_network("::1/128")),
        ),
        ("trusted_proxies = []", "trusted_proxies", ()),
        ("deny = ['192.0.2.0/24']", "deny", (ip_network("192.0.2.0/24"),)),
        ("host = 'ä'", "host", "ä"),
        ("access_log = true", "access_log", True),
        ("access_log = false", "access_log", False),
        ("metrics = '127.0.0.1:9464'", "metrics", ListenAddress("127.0.0.1", 9464)),
    ],
)
def test_the_file_can_use_types_of_toml(toml: str, name: str, value: Any, tmp_path: Path) -> None:
    """Whole numbers and lists of TOML are accepted as well as text."""
    assert load({}, {}, config_file(tmp_path, toml)) == Settings(**{name: value})


@pytest.mark.parametrize(
    ("flags", "environ", "port"),
    [
        ({"port": "1"}, {"CHATR_PORT": "2"}, 1),
        ({"port": None}, {"CHATR_PORT": "2"}, 2),
        ({}, {}, 3),
    ],
)
def test_flags_take_precedence_over_variables_and_the_file(
    flags: Mapping[str, str], environ: Mapping[str, str], port: int, tmp_path: Path
) -> None:
    """A flag overrides an environment variable, and that overrides the file."""
    file = config_file(tmp_path, "port = 3\nhost = '::1'")

    assert load(flags, environ, file) == Settings(port=port, host="::1")


def test_an_overridden_value_is_not_checked(tmp_path: Path) -> None:
    """A flag overrides a bad environment variable, and a variable overrides a bad value in the file."""
    file = config_file(tmp_path, "port = 'x'\nhistory = 'x'")

    assert load({"port": "1"}, {"CHATR_PORT": "x", "CHATR_HISTORY": "2"}, file) == Settings(port=1, history=2)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD_VALUES.items() for text in texts])
def test_a_bad_value_is_reported_in_one_sentence(name: str, text: str, tmp_path: Path) -> None:
    """The sentence names the flag or variable, its value, and what is wrong with it."""
    with pytest.raises(BadSetting) as by_flag:
        load({name: text}, {}, None)
    assert one_sentence(by_flag).startswith(f"{flag(name)} cannot be {shown_url(text)!r}: ")

    # A variable that is empty is not given.
    if text.strip():
        with pytest.raises(BadSetting) as by_variable:
            load({}, {variable(name): text}, None)
        assert one_sentence(by_variable).startswith(f"{variable(name)} cannot be {shown_url(text)!r}: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_value_can_be_written_as_text(name: str) -> None:
    """The text of a value, as in --help and the reference, gives the same value again."""
    _, value = SAMPLES[name]

    text = value if name == "moltbook_key" else setting_text(value)
    assert load({name: text}, {}, None) == Settings(**{name: value})


@pytest.mark.parametrize(
    ("toml", "mentioned"),
    [
        ("port = true", "port in the file"),
        ("log_level = true", "log_level in the file"),
        ("port = 8080.5", "port in the file"),
        ("port = [80, 81]", "port in the file"),
        ("port = 2026-01-01", "port in the file"),
        ("rate_requests = 5", "COUNT/SECONDS"),
        ("trusted_proxies = [1, 2]", "trusted_proxies in the file"),
        ("deny = [1, 2]", "deny in the file"),
        ("host = ['127.0.0.1']", "host in the file"),
        ("trusted_proxies = [['10.0.0.0/8']]", "trusted_proxies in the file"),
        ("colour = 'red'", "colour"),
        ("[serve]\nport = 80", "serve"),
        ("port = ", "chatr.toml"),
        ("port = 80\nport = 81", "chatr.toml"),
        ("\x00", "chatr.toml"),
    ],
)
def test_a_bad_file_is_reported_in_one_sentence(toml: str, mentioned: str, tmp_path: Path) -> None:
    """The sentence says what in the file cannot be used."""
    with pytest.raises(BadSetting) as error:
        load({}, {}, config_file(tmp_path, toml))

    assert mentioned in one_sentence(error)


def test_a_missing_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    """A file that was named must exist."""
    with pytest.raises(BadSetting) as error:
        load({}, {}, tmp_path / "nope.toml")

    assert str(tmp_path / "nope.toml") in one_sentence(error)


def test_settings_are_read_without_an_http_client() -> None:
    """Every command reads settings, so importing them must not import aiohttp, which is slow."""
    program = "import sys, chatr.settings; sys.exit('aiohttp' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
