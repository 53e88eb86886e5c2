"""A set of IP addresses, given as networks."""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses
from typing import Final

Network = IPv4Network | IPv6Network
MAPPED_PREFIX: Final = 96
"""Bits of ::ffff:0:0/96, the IPv6 network in which IPv4 addresses are written."""


class NetworkSet:
    """The addresses in `networks`. A look-up takes about as long for one network as for thousands."""

    def __init__(self, networks: Iterable[Network]) -> None:
        unmapped = [unmapped_ipv4_network(each) for each in networks]
        # Collapsed networks are sorted and do not overlap, so the last one that begins before an address decides.
        ipv4 = list(collapse_addresses(each for each in unmapped if isinstance(each, IPv4Network)))
        ipv6 = list(collapse_addresses(each for each in unmapped if isinstance(each, IPv6Network)))
        self._by_version = {4: bounds(ipv4), 6: bounds(ipv6)}

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        """Return whether `address` is in one of the networks."""
        firsts, lasts = self._by_version[address.version]
        index = bisect_right(firsts, int(address)) - 1
        return index >= 0 and int(address) <= lasts[index]


def bounds(networks: Iterable[Network]) -> tuple[list[int], list[int]]:
    """Return the first and the last address of each network, as numbers."""
    both = [(int(each.network_address), int(each.broadcast_address)) for each in networks]
    return [first for first, _ in both], [last for _, last in both]


def unmapped_ipv4_network(network: Network) -> Network:
    """Return the IPv4 network that an IPv6 one maps (::ffff:192.0.2.0/120), any other network unchanged."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < MAPPED_PREFIX:
        return network
    return IPv4Network((mapped, network.prefixlen - MAPPED_PREFIX))
