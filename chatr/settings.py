"""Every setting: its name, default, meaning and form, once. Flag before environment before file before default."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import Attribute, field, fields, frozen

from chatr.adapters.moltbook import MOLTBOOK
from chatr.domain.limits import SECOND, Limit, Limits

Network = IPv4Network | IPv6Network
LARGEST_COUNT: Final = 1_000_000
LARGEST_WINDOW: Final = 366 * 24 * 3600


class BadSetting(Exception):
    """A setting that cannot be used. The text is one sentence."""


def rate(text: str) -> Limit:
    count, slash, seconds = text.partition("/")
    if not slash:
        raise ValueError("write COUNT/SECONDS, such as 10/60")
    return Limit(whole(1, LARGEST_COUNT)(count), whole(1, LARGEST_WINDOW)(seconds) * SECOND)


def whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return int(text)

    return parse


def something(text: str) -> str:
    if not text.strip():
        raise ValueError("it must not be empty")
    return text.strip()


def web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it must be a web address such as https://chat.example.org")
    return text.rstrip("/")


def networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def setting(default: Any, form: str, told: str, parse: Callable[[str], Any] = str) -> Any:
    return field(default=default, metadata={"form": form, "told": told, "parse": parse})


IN_FORCE: Final = Limits()


@frozen
class Settings:
    """What an operator may set. The three limits that are facts of the log are None unless given."""

    log: str = setting("sqlite:///./chatr.db", "URL", "the log: sqlite:///FILE, postgresql://… or memory:")
    host: str = setting("127.0.0.1", "ADDRESS", "address to listen on; 0.0.0.0 for all", something)
    port: int = setting(8080, "PORT", "port to listen on; 0 picks a free one", whole(0, 65535))
    public_url: str | None = setting(None, "URL", "address by which agents and people reach the room", web_address)
    moltbook_url: str = setting(MOLTBOOK, "URL", "where Moltbook answers", web_address)
    moltbook_key: str | None = setting(None, "KEY", "key for asking Moltbook, if it wants one", str.strip)
    trusted_proxies: tuple[Network, ...] = setting((), "CIDR,…", "proxies whose X-Forwarded-For is believed", networks)
    rate_verified: Limit | None = setting(None, "COUNT/SECONDS", "messages of a verified agent", rate)
    rate_unverified: Limit | None = setting(None, "COUNT/SECONDS", "messages of an unverified agent", rate)
    online_for: int | None = setting(None, "SECONDS", "online after the last activity", whole(30, LARGEST_WINDOW))
    rate_registrations: Limit = setting(Limit(5, 3600 * SECOND), "COUNT/SECONDS", "registrations per address", rate)
    rate_requests: Limit = setting(Limit(120, 60 * SECOND), "COUNT/SECONDS", "requests per address", rate)
    max_streams_per_ip: int = setting(10, "COUNT", "open streams per address", whole(1, LARGEST_COUNT))
    max_streams: int = setting(5000, "COUNT", "open streams in all", whole(1, LARGEST_COUNT))
    history: int = setting(100, "COUNT", "messages that a new watcher gets", whole(0, 1000))
    stats_every: int = setting(10, "SECONDS", "pause between stats frames", whole(1, 3600))

    def limits(self, in_force: Limits) -> Limits:
        """The limits in force, but for those that the operator gave."""
        return Limits(
            self.rate_verified or in_force.verified,
            self.rate_unverified or in_force.unverified,
            self.online_for * SECOND if self.online_for else in_force.online_for,
        )


FROM_THE_LOG: Final = {
    "rate_verified": IN_FORCE.verified,
    "rate_unverified": IN_FORCE.unverified,
    "online_for": IN_FORCE.online_for // SECOND,
}
"""What a new log begins with, where nothing is given."""


def written(value: object) -> str:
    """A value as one would write it in a setting."""
    match value:
        case None:
            return ""
        case Limit():
            return f"{value.count}/{value.window // SECOND}"
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def default_of(attribute: "Attribute[Any]") -> str:
    return written(FROM_THE_LOG.get(attribute.name, attribute.default))


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    return f"CHATR_{name.upper()}"


def load(flags: Mapping[str, str | None], environ: Mapping[str, str], config: Path | None) -> Settings:
    """The settings in force. Raises BadSetting."""
    file = from_file(config) if config else {}
    return Settings(**{each.name: value for each in fields(Settings) for value in parsed(each, flags, environ, file)})


def parsed(attribute: "Attribute[Any]", flags: Mapping[str, str | None], *others: Mapping[str, str]) -> Iterator[Any]:
    """The value of a setting where it is given first; none where it is not given."""
    name, (environ, file) = attribute.name, others
    given = (
        (flag(name), flags.get(name)),
        (variable(name), environ.get(variable(name))),
        (f"{name} in the file", file.get(name)),
    )
    for source, text in given:
        if text is not None:
            try:
                yield attribute.metadata["parse"](text)
            except ValueError as error:
                raise BadSetting(f"{source} cannot be {text!r}: {error}.") from error
            return


def from_file(config: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(config.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"The file {config} cannot be read: {error}.") from error
    given = {name.replace("-", "_"): value for name, value in found.items()}
    if unknown := given.keys() - {each.name for each in fields(Settings)}:
        raise BadSetting(f"The file {config} has settings that do not exist: {', '.join(sorted(unknown))}.")
    return {name: as_text(name, value) for name, value in given.items()}


def as_text(name: str, value: object) -> str:
    """A value of the file as a flag would give it; only `trusted_proxies` may be a list."""
    if isinstance(value, list) and name == "trusted_proxies" and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise BadSetting(f"{name} in the file cannot be {value!r}: it must be text or a whole number.")
    return str(value)
