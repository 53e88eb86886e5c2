"""The proxy for outgoing requests that the variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name.

aiohttp's own `trust_env` also sends passwords of ~/.netrc, and sends requests to this machine to the proxy.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen
from yarl import URL

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SEPARATORS: Final = re.compile(r"[\s,;]+")
HOST_AND_PORT: Final = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::([0-9]+))?")
"""An entry of NO_PROXY, unless it is an IPv6 address without brackets."""


class UnusableProxy(ValueError):
    """A variable does not name a proxy that can be used. The text is one sentence, without a password."""


@frozen
class WebProxy:
    """A proxy at `url`, and the user and password that it is sent."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def options(self) -> dict[str, Any]:
        """Return the arguments of an aiohttp session that sends all requests through the proxy."""
        # aiohttp takes user and password from the URL.
        return {"proxy": URL(self.url).with_user(self.user or None).with_password(self.password or None)}


def session_options(url: str) -> dict[str, Any]:
    """Return the arguments of an aiohttp session for requests to `url`. Raises UnusableProxy."""
    proxy = proxy_for(url, os.environ)
    return {} if proxy is None else proxy.options()


def proxy_for(url: str, environ: Mapping[str, str]) -> WebProxy | None:
    """Return the proxy for requests to `url`, None where they are sent directly. Raises UnusableProxy."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or is_exempt(parts, environ):
        return None
    # Names in lower case take precedence, as in curl. A variable with an empty value counts as not set.
    names = [each for name in (f"{parts.scheme}_proxy", "all_proxy") for each in (name, name.upper())]
    name = next((name for name in names if environ.get(name, "").strip()), None)
    return None if name is None else parse_proxy(name, environ[name].strip(), parts.hostname)


def parse_proxy(name: str, value: str, host: str) -> WebProxy:
    """Return the proxy that the variable `name` has as `value`, for requests to `host`. Raises UnusableProxy."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port
    except ValueError as error:
        raise UnusableProxy(f"{name} is no address of a proxy: write http://HOST:PORT.") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise UnusableProxy(
            f"{name} names a proxy of the kind {parts.scheme}://, and only http:// and https:// can be used: set "
            f"HTTPS_PROXY to such a proxy, or add {host} to NO_PROXY."
        )
    if not parts.hostname:
        raise UnusableProxy(f"{name} is no address of a proxy: write http://HOST:PORT.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if ":" in user:
        raise UnusableProxy(f"The user in {name} has a colon, which no proxy can tell from the password.")
    host_of_url = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return WebProxy(f"{parts.scheme}://{host_of_url}:{port or DEFAULT_PORTS[parts.scheme]}", user, password)


def is_exempt(parts: SplitResult, environ: Mapping[str, str]) -> bool:
    """Return whether requests to this URL are sent directly: to this machine, or to what NO_PROXY lists."""
    host = (parts.hostname or "").rstrip(".").lower()
    address = as_address(host)
    # A proxy elsewhere would ask its own loopback.
    if f".{host}".endswith(".localhost") or (address is not None and address.is_loopback):
        return True
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return any(matches(entry, host, address, port) for entry in SEPARATORS.split(exempt.lower()) if entry)


def matches(entry: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    """Return whether an entry of NO_PROXY means this host and port."""
    if entry == "*":
        return True
    with suppress(ValueError):
        network = ip_network(entry, strict=False)
        return address is not None and address.version == network.version and address in network
    found = HOST_AND_PORT.fullmatch(entry)
    if found is None or (found[3] and int(found[3]) != port):
        return False
    name = (found[1] or found[2] or "").removeprefix("*").strip(".")
    listed = as_address(name)
    if listed is not None or address is not None:
        return listed == address
    # A name means those below it too, with and without a dot before it.
    return bool(name) and f".{host}".endswith(f".{name}")


def as_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is, None for a name. An IPv4-mapped IPv6 address is returned as IPv4."""
    with suppress(ValueError):
        address = ip_address(host.partition("%")[0])
        return getattr(address, "ipv4_mapped", None) or address
    return None
