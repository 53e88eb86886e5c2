"""The values of settings: parsed from text, and shown as text.

Each parser raises ValueError, whose text ends a sentence for the operator.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Literal, NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from chatr.domain.limits import SECOND, Limit
from chatr.secret import Secret

Network = IPv4Network | IPv6Network
SearchEngines = Literal["allow", "deny"]
"""Whether search engines may list a room."""
LARGEST_COUNT: Final = 1_000_000
LARGEST_SMALL_COUNT: Final = 1_000
LARGEST_WINDOW: Final = 366 * 24 * 3600
"""Seconds of the longest rate window, and of the longest `online_for`: a leap year."""
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
"""Levels of log lines, ascending."""
NOT_IN_ADDRESS: Final = frozenset(' "#<>?@\\^`{|}')
"""Characters that no URL contains, and those that begin a query or a fragment or end the name of a user."""
INCOMPLETE_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")


def parse_small_rate(text: str) -> Limit:
    """As `parse_rate`, with a count of at most 1,000: each agent's state holds as many times. Raises ValueError."""
    return parse_rate(text, LARGEST_SMALL_COUNT)


def parse_rate(text: str, largest_count: int = LARGEST_COUNT) -> Limit:
    """The limit that COUNT/SECONDS stands for. Raises ValueError."""
    count, slash, seconds = text.partition("/")
    if not slash:
        raise ValueError("write COUNT/SECONDS, such as 10/60")
    return Limit(whole_number_parser(1, largest_count)(count), whole_number_parser(1, LARGEST_WINDOW)(seconds) * SECOND)


def whole_number_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """A parser of decimal numbers from `minimum` to `maximum`, which raises ValueError for any other text."""

    def parse(text: str) -> int:
        # int() also takes "8_0", " 80" and Arabic digits. It raises an error of its own beyond 4300 digits.
        if not (text.isascii() and text.isdigit() and len(text) < 20 and minimum <= int(text) <= maximum):
            raise ValueError(f"it must be a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def choice_parser(*choices: str) -> Callable[[str], str]:
    """A parser of the names in `choices`, in any case, which raises ValueError for any other text."""

    def parse(text: str) -> str:
        name = text.strip().lower()
        if name not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return name

    return parse


def parse_non_empty(text: str) -> str:
    """The text without surrounding white space. Raises ValueError if nothing is left."""
    # An empty host would mean every address: a variable left empty must not open the room to the world.
    if not text.strip():
        raise ValueError("it must not be empty")
    return text.strip()


def parse_listen_host(text: str) -> str:
    """The address or name of a host, without the brackets that an IPv6 address may have. Raises ValueError."""
    host = parse_non_empty(text)
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    # Bytes that are no UTF-8 arrive as lone surrogates, which no look-up takes.
    if not host.isprintable() or "/" in host or (":" in host and not is_ipv6(host)):
        raise ValueError("it must be an address or a host name alone; the port is set by --port")
    return host


def is_ipv6(text: str) -> bool:
    """Whether this is an IPv6 address, perhaps with a zone, as in `fe80::1%eth0`."""
    with suppress(ValueError):
        return bool(IPv6Address(text))
    return False


def parse_secret_key(text: str) -> Secret:
    """A key that can be sent in a header. Raises ValueError."""
    if not text.strip().isascii() or not text.strip().isprintable():
        raise ValueError("a key consists of letters, digits and signs of ASCII, on one line")
    return Secret(text.strip())


def parse_web_address(text: str) -> str:
    """An http or https URL without user, query and fragment, its trailing slashes and surrounding white space removed.
    Raises ValueError.
    """
    address = text.strip()
    # urlsplit ignores tabs, line feeds and an empty query. They would stand in the skill, in every address of the room.
    if not address.isprintable() or NOT_IN_ADDRESS & set(address) or not is_http(address):
        raise ValueError("it must be a web address such as https://chat.example.org")
    return address.rstrip("/")


def parse_public_url(text: str) -> str:
    """As `parse_web_address`, with every special character of the path as `%XX`. Raises ValueError."""
    parts = urlsplit(parse_web_address(text))
    names = [unquote(name) for name in parts.path.split("/")[1:]]
    # Clients and proxies resolve dots and decode slashes, each in its own way, before the room sees a path.
    if INCOMPLETE_ESCAPE.search(parts.path) or not all(map(is_path_name, names)):
        raise ValueError("its path must consist of names, as in https://example.org/chat")
    # Documents have shell commands with this address, so nothing but letters and digits stays as it is.
    return urlunsplit(parts._replace(path="".join(f"/{quote(name, safe='')}" for name in names)))


def is_path_name(name: str) -> bool:
    """Whether clients leave it as it is when it stands between two slashes of a URL."""
    return name.isprintable() and name not in ("", ".", "..") and not set("/\\\ufffd") & set(name)


def is_http(address: str) -> bool:
    """Whether this is an http or https URL with a host, and a valid port if it has one."""
    with suppress(ValueError):  # a port that is no number, or brackets that enclose no IPv6 address
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    return False


class ListenAddress(NamedTuple):
    """An address of this machine and a port of it; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """The address in ADDRESS:PORT, where an IPv6 address stands in brackets. Raises ValueError."""
    host, _, port = text.strip().rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    # Without an address the port would be open to every machine.
    if not host or is_bracketed != (":" in host):
        raise ValueError("write ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:9464")
    return ListenAddress(host.strip("[]"), whole_number_parser(0, 65535)(port))


def parse_switch(text: str) -> bool:
    """Whether the text says on, or true, yes or 1, and not the opposite. Raises ValueError for any other text."""
    switch = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    if text.strip().lower() not in switch:
        raise ValueError("it must be on or off")
    return switch[text.strip().lower()]


def parse_log_level(text: str) -> str:
    """The name of a level in lower case. Raises ValueError."""
    if text.strip().lower() not in LOG_LEVELS:
        raise ValueError(f"it must be one of {', '.join(LOG_LEVELS)}")
    return text.strip().lower()


def parse_networks(text: str) -> tuple[Network, ...]:
    """The IP networks of a list that is separated by commas. Raises ValueError."""
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def setting_text(value: object) -> str:
    """A value as an operator would write it in a flag; "…" in the place of a secret."""
    match value:
        case None:
            return ""
        case Limit():
            return f"{value.count}/{value.window // SECOND}"
        case bool():
            return "on" if value else "off"
        case ListenAddress():
            return str(value)
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)
