"""Settings that each are valid and do not fit together are named, and what is missing on this machine."""

from ipaddress import ip_network
from typing import Any

import pytest

from chatr.cli.doctor.check import Status
from chatr.cli.doctor.extras import check_extras
from chatr.cli.doctor.settings import check_settings
from chatr.settings import Settings

PUBLIC = "https://chat.example.org"
LOCAL = (ip_network("127.0.0.1"),)
FAULTS: dict[str, tuple[dict[str, Any], Status, str]] = {
    "no public URL": ({"host": "0.0.0.0"}, Status.WARNING, "names localhost"),
    "no public URL, IPv6": ({"host": "::"}, Status.WARNING, "names localhost"),
    "keys in clear": (
        {"public_url": "http://chat.example.org", "trusted_proxies": LOCAL},
        Status.WARNING,
        "unencrypted to http://chat.example.org",
    ),
    "Moltbook's key in clear": (
        {"moltbook_key": "secret", "moltbook_url": "http://moltbook.example.org"},
        Status.PROBLEM,
        "key for Moltbook",
    ),
    "no trusted proxy": ({"public_url": PUBLIC}, Status.PROBLEM, "share one limit"),
    "trusted proxies elsewhere": (
        {"public_url": PUBLIC, "trusted_proxies": (ip_network("10.0.0.0/8"),)},
        Status.PROBLEM,
        "none of the trusted proxies can connect",
    ),
    "everybody is trusted": (
        {"public_url": PUBLIC, "host": "0.0.0.0", "trusted_proxies": (ip_network("0.0.0.0/0"),)},
        Status.PROBLEM,
        "0.0.0.0/0 is trusted",
    ),
    "everybody is trusted, IPv6": (
        {"public_url": PUBLIC, "host": "::", "trusted_proxies": (ip_network("2000::/3"),)},
        Status.PROBLEM,
        "2000::/3 is trusted",
    ),
    "streams": ({"max_streams_per_ip": 20, "max_streams": 10}, Status.WARNING, "lock out the others"),
    "connections": ({"max_connections_per_ip": 10}, Status.WARNING, "allows more connections"),
    "activity": ({"online_for": 60, "seen_every": 60}, Status.WARNING, "twice as long"),
    "idle connections": (
        {"public_url": PUBLIC, "trusted_proxies": LOCAL, "idle_timeout": 60},
        Status.WARNING,
        "most proxies keep theirs for longer",
    ),
    "memory": ({"log": "memory:"}, Status.WARNING, "lost when the server ends"),
    "read-only": ({"read_only": True, "reading": "agents"}, Status.PROBLEM, "--reading is stored in the log"),
    "files": ({"max_streams": 1_000_000, "max_streams_per_ip": 10}, Status.WARNING, "too few for 1000000 streams"),
}
FITTING: list[dict[str, Any]] = [
    {},
    {"host": "::1"},
    {"host": "localhost"},
    {"public_url": "http://localhost:8080"},
    {"public_url": PUBLIC, "trusted_proxies": LOCAL},
    {"public_url": PUBLIC, "host": "0.0.0.0"},
    {
        "public_url": PUBLIC,
        "host": "0.0.0.0",
        "trusted_proxies": (ip_network("104.16.0.0/13"), ip_network("2a06:98c0::/29")),
    },
    {"moltbook_key": "secret"},
    {"moltbook_url": "http://127.0.0.1:9/api", "moltbook_key": "secret"},
]


@pytest.mark.parametrize("name", FAULTS)
def test_settings_that_do_not_fit_are_named(name: str) -> None:
    """Each combination is one finding, with what to do."""
    given, status, text = FAULTS[name]
    (check,) = check_settings(Settings(**given))

    assert (check.status, text in check.found) == (status, True), check
    assert check.remedy


@pytest.mark.parametrize("given", FITTING)
def test_usual_settings_fit(given: dict[str, Any]) -> None:
    """Nothing is reported of settings that work."""
    (check,) = check_settings(Settings(**given))

    assert check.status == Status.OK, check


@pytest.mark.parametrize(
    ("log", "missing", "statuses"),
    [
        ("sqlite:///chatr.db", set(), ["ok"]),
        ("sqlite:///chatr.db", {"psycopg"}, ["ok"]),
        ("sqlite:///chatr.db", {"uvloop"}, ["warning"]),
        ("postgresql://db/chatr", {"psycopg"}, ["problem"]),
        ("postgresql://db/chatr", {"psycopg", "uvloop"}, ["problem", "warning"]),
    ],
)
def test_missing_packages_are_named(log: str, missing: set[str], statuses: list[str]) -> None:
    """A package is a problem if this log needs it, and a warning if the server is only slower without it."""
    checks = list(check_extras(log, lambda module: module not in missing))

    assert [check.status for check in checks] == statuses
