"""The address that a request is counted against: the peer's, or the one that trusted proxies forward."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp import web

UNKNOWN_PEER: Final = "unknown"
"""The one address of all peers whose address cannot be read, for example because the connection is closed already."""
# A cached entry holds the X-Forwarded-For that was sent, up to 16 KiB: 256 of them are 4 MiB at most.
ADDRESSES_CACHED: Final = 256


class ClientAddresses:
    """Finds client addresses. Forwarded addresses are believed only from peers in `trusted_proxies`."""

    def __init__(self, trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted_proxies = trusted_proxies
        self._cached_address = lru_cache(ADDRESSES_CACHED)(self._address)
        self._cached_connection_address = lru_cache(ADDRESSES_CACHED)(self._connection_address)

    def of_request(self, request: web.BaseRequest) -> str:
        """Return the address of the client that sent `request`."""
        # A proxy may add a header instead of appending to the one that is there: together they are one list.
        return self.of_peer(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", ())))

    def of_peer(self, peer: str, forwarded_for: str) -> str:
        """Return an IPv4 address or an IPv6 /64 network, from the peer's address and the X-Forwarded-For it sent."""
        return self._cached_address(peer, forwarded_for if self._trusted_proxies else "")

    def of_connection(self, peer: str) -> str | None:
        """Return the address that a connection of `peer` is counted as, or None for a trusted proxy."""
        return self._cached_connection_address(peer)

    def _connection_address(self, peer: str) -> str | None:
        try:
            trusted = self._is_trusted(unmapped_ipv4(ip_address(peer)))
        except ValueError:
            trusted = False
        return None if trusted else self._address(peer, "")

    def _address(self, peer: str, forwarded_for: str) -> str:
        try:
            address = unmapped_ipv4(ip_address(peer))
        except ValueError:
            return UNKNOWN_PEER
        if self._is_trusted(address):
            address = self._forwarded_address(address, forwarded_for)
        # A single customer is given a whole IPv6 /64, and could use another address of it for each request.
        return str(address) if isinstance(address, IPv4Address) else str(IPv6Network((int(address) >> 64 << 64, 64)))

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted_proxies if address.version == network.version)

    def _forwarded_address(self, peer: IPv4Address | IPv6Address, forwarded_for: str) -> IPv4Address | IPv6Address:
        """Return the last hop that is no trusted proxy; the peer itself if a hop is malformed or all are trusted."""
        # From the right: each proxy appends the address it was called from, and whatever is left of the first hop that
        # is not trusted was written by the client.
        for hop in reversed(forwarded_for.split(",")):
            try:
                address = unmapped_ipv4(ip_address(hop.strip()))
            except ValueError:
                return peer
            if not self._is_trusted(address):
                return address
        return peer


def unmapped_ipv4(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address in an IPv4-mapped IPv6 address (::ffff:192.0.2.1), any other address unchanged."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
