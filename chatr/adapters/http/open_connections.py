"""The open connections: counted from accept to close, and closed where an address or the process has too many."""

import asyncio
import socket
from collections import Counter, defaultdict
from typing import Self


class OpenConnections:
    """Counts the open connections of each address and in all, and knows which of them are idle.

    A connection is idle while no request of it is handled and it is no stream. For a new connection of an address at
    its limit, the one of that address that has been idle longest is closed; if the total is reached, that of all. Those
    of trusted proxies are closed only where no other one is idle.
    """

    def __init__(self, per_address: int, total: int) -> None:
        self._per_address = per_address
        self._total = total
        self._count = 0
        self._count_of: Counter[str] = Counter()
        # Dictionaries keep the order of insertion, so the first entry has been idle longest.
        self._idle: dict[ClientSocket, asyncio.Transport] = {}
        self._idle_of_proxies: dict[ClientSocket, asyncio.Transport] = {}
        self._idle_of: defaultdict[str, dict[ClientSocket, asyncio.Transport]] = defaultdict(dict)

    def __len__(self) -> int:
        """Return the number of open connections."""
        return self._count

    def of_address(self, address: str) -> int:
        """Return the number of open connections of `address`."""
        return self._count_of[address]

    @property
    def is_full(self) -> bool:
        """Whether no more connections may be open in all."""
        return self._count >= self._total

    def admit(self, address: str | None) -> bool:
        """Return whether `address` may open another connection. Where a limit is reached, one that is idle is closed.

        `address` is None for a trusted proxy, which is limited by the total only.
        """
        if address is not None and self._count_of[address] >= self._per_address:
            return self._close_idlest(self._idle_of[address])
        return not self.is_full or self._close_idlest(self._idle) or self._close_idlest(self._idle_of_proxies)

    def add(self, connection: "ClientSocket") -> None:
        """Count a connection that was accepted."""
        self._count += 1
        if connection.address is not None:
            self._count_of[connection.address] += 1

    def discard(self, connection: "ClientSocket") -> None:
        """Forget a connection that ends. To be called once for each that was added."""
        self.mark_busy(connection)
        self._count -= 1
        address = connection.address
        if address is not None:
            self._count_of[address] -= 1
            # Addresses without a connection are forgotten, or the tables would grow with every address.
            if not self._count_of[address]:
                del self._count_of[address]
                self._idle_of.pop(address, None)

    def mark_idle(self, connection: "ClientSocket", transport: asyncio.Transport) -> None:
        """Let a connection be closed for another one."""
        if connection.address is None:
            # Last of all: a proxy may be sending the request of somebody else on it, and would answer 502.
            self._idle_of_proxies[connection] = transport
        else:
            self._idle[connection] = self._idle_of[connection.address][connection] = transport

    def mark_busy(self, connection: "ClientSocket") -> None:
        """Keep a connection: a request is handled, or it is a stream."""
        if connection.address is None:
            self._idle_of_proxies.pop(connection, None)
        elif self._idle.pop(connection, None) is not None:
            del self._idle_of[connection.address][connection]

    def _close_idlest(self, idle: "dict[ClientSocket, asyncio.Transport]") -> bool:
        """Close the first of `idle`; return False if there is none."""
        for connection, transport in idle.items():
            self.mark_busy(connection)
            transport.abort()
            return True
        return False


class ClientSocket(socket.socket):
    """The socket of an accepted connection. However the connection ends, its end is counted once: here.

    `address` is that of the client, or None for a trusted proxy.
    """

    __slots__ = ("_connections", "address")

    _connections: OpenConnections
    address: str | None

    @classmethod
    def take(cls, accepted: socket.socket, connections: OpenConnections, address: str | None) -> Self:
        """Return `accepted` as a counted socket. `accepted` itself cannot be used any longer."""
        # With all three given, no system call asks for them.
        taken = cls(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        taken._connections, taken.address = connections, address
        connections.add(taken)
        return taken

    def mark_idle(self, transport: asyncio.Transport) -> None:
        """Let the connection be closed for another one."""
        self._connections.mark_idle(self, transport)

    def mark_busy(self) -> None:
        """Keep the connection open."""
        self._connections.mark_busy(self)

    def close(self) -> None:
        """Close the socket, as asyncio does when a connection has ended."""
        self._count_end()
        super().close()

    def detach(self) -> int:
        """Return the descriptor, which uvloop closes itself."""
        self._count_end()
        return super().detach()

    def _count_end(self) -> None:
        # -1 after the first call.
        if self.fileno() != -1:
            self._connections.discard(self)
