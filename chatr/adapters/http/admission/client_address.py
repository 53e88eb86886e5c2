"""The address of a client: the peer's, or the one that trusted proxies forward. Some addresses are denied."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

from aiohttp import web

from chatr.adapters.http.admission.network_set import NetworkSet
from chatr.adapters.http.headers import forwarded_for

UNKNOWN_PEER: Final = "unknown"
"""The one address of all peers whose address cannot be read, for example because the connection is closed already."""
# A cached entry holds the X-Forwarded-For that was sent, up to 16 KiB for each header: 256 of them are
# 8 MiB at most.
ADDRESSES_CACHED: Final = 256


HOP: Final = re.compile(
    r"""[ \t]*+"?+(?:\[(?P<bracketed>[0-9a-f:.]+)(?:%[^\]"]*)?\](?::\w*)?|(?P<ipv4>[0-9]+(?:\.[0-9]+){3})(?::\w*)?"""
    r"""|(?P<ipv6>[0-9a-f:.]+)(?:%[^"\s]*)?)"?+[ \t]*+""",
    re.ASCII | re.IGNORECASE,
)
"""An address as proxies write it: perhaps quoted, with a port, in brackets, or with the zone of an IPv6 address."""


class ClientAddress(NamedTuple):
    """The address that a client is counted as, an IPv4 address or an IPv6 /64 network, and whether it is denied."""

    counted: str
    is_denied: bool


class ClientAddresses:
    """Finds client addresses. Forwarded addresses are believed only from peers in `trusted_proxies`.

    Addresses in `denied` are not served.
    """

    def __init__(
        self, trusted_proxies: Sequence[IPv4Network | IPv6Network], denied: Sequence[IPv4Network | IPv6Network] = ()
    ) -> None:
        self._trusted_proxies = trusted_proxies
        self._denied = NetworkSet(denied)
        self.are_denied = bool(denied)
        """Whether any address is denied."""
        self._cached_address = lru_cache(ADDRESSES_CACHED)(self._address)
        self._cached_connection_address = lru_cache(ADDRESSES_CACHED)(self._connection_address)

    def of_request(self, request: web.BaseRequest) -> str:
        """Return the address of the client that sent `request`."""
        return self.of_peer(request.remote or "", forwarded_for(request))

    def of_peer(self, peer: str, forwarded_for: str) -> str:
        """Return an IPv4 address or an IPv6 /64 network, from the peer's address and the X-Forwarded-For it sent."""
        return self._cached_address(peer, forwarded_for if self._trusted_proxies else "").counted

    def is_denied(self, peer: str, forwarded_for: str) -> bool:
        """Return whether the client is denied, by the peer's address and the X-Forwarded-For it sent."""
        return self._cached_address(peer, forwarded_for if self._trusted_proxies else "").is_denied

    def of_connection(self, peer: str) -> ClientAddress | None:
        """Return the address of a connection of `peer`, or None for a trusted proxy, which carries other clients."""
        return self._cached_connection_address(peer)

    def _connection_address(self, peer: str) -> ClientAddress | None:
        try:
            trusted = self._is_trusted(unmapped_ipv4(ip_address(peer)))
        except ValueError:
            trusted = False
        return None if trusted else self._address(peer, "")

    def _address(self, peer: str, forwarded_for: str) -> ClientAddress:
        try:
            address = unmapped_ipv4(ip_address(peer))
        except ValueError:
            return ClientAddress(UNKNOWN_PEER, is_denied=False)
        if self._is_trusted(address):
            address = self._forwarded_address(address, forwarded_for)
        # A single customer is given a whole IPv6 /64, and could use another address of it for each request.
        network = address if isinstance(address, IPv4Address) else IPv6Network((int(address) >> 64 << 64, 64))
        return ClientAddress(str(network), address in self._denied)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted_proxies if address.version == network.version)

    def _forwarded_address(self, peer: IPv4Address | IPv6Address, forwarded_for: str) -> IPv4Address | IPv6Address:
        """Return the last hop that is no trusted proxy; the peer itself if a hop is no address or all are trusted."""
        # From the right: each proxy appends the address it was called from, and whatever is left of the first hop that
        # is not trusted was written by the client.
        for hop in reversed(forwarded_for.split(",")):
            if not hop.strip():  # an empty element of a list means nothing (RFC 9110, 5.6.1)
                continue
            address = address_of_hop(hop)
            if address is None:
                return peer
            if not self._is_trusted(address):
                return address
        return peer


def address_of_hop(hop: str) -> IPv4Address | IPv6Address | None:
    """Return the address in an element of X-Forwarded-For; None for `unknown`, `_hidden`, and what is no address."""
    found = HOP.fullmatch(hop)
    with suppress(ValueError):
        return unmapped_ipv4(ip_address(found["bracketed"] or found["ipv4"] or found["ipv6"])) if found else None
    return None


def peer_of(transport: asyncio.Transport) -> str:
    """Return the address at the other end of a connection, "" once it is closed."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def unmapped_ipv4(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address in an IPv4-mapped IPv6 address (::ffff:192.0.2.1), any other address unchanged."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
