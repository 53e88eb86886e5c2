"""Resolution of names to addresses in the public Internet only."""

import socket
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult


class PublicAddressResolver(AbstractResolver):
    """Resolves names as `resolver` does, but fails for a name with a private address.

    A forged DNS answer could otherwise make the node send requests into its own network.
    """

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises OSError."""
        results = await self._resolver.resolve(host, port, family)
        if not all(ip_address(result["host"]).is_global for result in results):
            raise OSError(f"{host} leads to a private address")
        return results

    async def close(self) -> None:
        """Close the wrapped resolver."""
        await self._resolver.close()
