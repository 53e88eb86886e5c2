"""Loopback addresses in the headers Host and Origin of a request.

A room for this machine alone is open to every program on it, and a browser lets any web page send requests to it: with
the Origin of that page, or by DNS rebinding with a Host that an attacker's name server leads to 127.0.0.1.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

AUTHORITY: Final = re.compile(r"(?:([a-z0-9.-]*[a-z0-9-])\.?|\[([0-9a-f:.]+)\])(?::[0-9]*)?", re.ASCII | re.IGNORECASE)
"""A host name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port."""


@lru_cache(256)  # clients of one room send the same few values
def is_loopback(authority: str) -> bool:
    """Return whether a browser that shows this host and port talks with its own machine."""
    found = AUTHORITY.fullmatch(authority)
    if found is None:
        return False
    name, ipv6 = found[1], found[2]
    try:
        return is_loopback_name(name.lower()) if name else is_loopback_ipv6(IPv6Address(ipv6))
    # The pattern lets pass what looks like an IPv6 address and is none.
    except ValueError:
        return False


def is_loopback_name(name: str) -> bool:
    """Return whether it is `localhost`, a name below it (RFC 6761, 6.3), or an address in 127.0.0.0/8.

    Raises ValueError for any other name.
    """
    return f".{name}".endswith(".localhost") or IPv4Address(name).is_loopback


def is_loopback_ipv6(address: IPv6Address) -> bool:
    """Return whether it is ::1, or an address in 127.0.0.0/8 written as IPv6."""
    return (address.ipv4_mapped or address).is_loopback


def is_loopback_origin(origin: str) -> bool:
    """Return whether a page with this Origin was served by this machine. "null" could be any page.

    Pages with other schemes than HTTP, such as those of browser extensions and apps, came from elsewhere.
    """
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and is_loopback(authority)
