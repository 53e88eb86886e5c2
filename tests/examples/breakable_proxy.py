"""A TCP proxy between an agent and its server, whose connections a test can break."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Self
from urllib.parse import urlsplit


class BreakableProxy(ThreadingTCPServer):
    """Forwards bytes between connections to its own `url` and a server, until its block ends."""

    daemon_threads = True

    def __init__(self, server_url: str) -> None:
        super().__init__(("127.0.0.1", 0), ProxiedConnection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.target = urlsplit(server_url).hostname, urlsplit(server_url).port
        self.lose_response_to = b""
        """The next request that begins like this reaches the server, but its response is lost."""
        self._lock = Lock()
        self._accepting = True
        self._connections: list[ProxiedConnection] = []

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.close_connections()
        self.server_close()

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Close every connection, and forward none until the block ends."""
        with self._lock:
            self._accepting = False
        self.close_connections()
        yield
        self._accepting = True

    def close_connections(self) -> None:
        """Close every connection that was ever opened."""
        for connection in self._connections:
            connection.close()

    def accepts(self, connection: "ProxiedConnection") -> bool:
        """Remember a new connection, and return whether its bytes are forwarded."""
        # With the lock, a connection is either closed by `broken` or sees that nothing is accepted.
        with self._lock:
            self._connections.append(connection)
            return self._accepting

    def loses_response(self, request: bytes) -> bool:
        """Return whether the response to this request is the one to be lost."""
        lost = bool(self.lose_response_to) and request.startswith(self.lose_response_to)
        if lost:
            self.lose_response_to = b""
        return lost


class ProxiedConnection(BaseRequestHandler):
    """A connection of the agent, and the connection to the server that belongs to it."""

    server: BreakableProxy
    request: socket.socket

    def handle(self) -> None:
        """Forward bytes in both directions until one end closes."""
        self._response_lost = False
        with socket.create_connection(self.server.target) as self._upstream:
            if self.server.accepts(self):
                responses = Thread(target=self._forward_responses, daemon=True)
                responses.start()
                self._forward_requests()
                responses.join()

    def close(self) -> None:
        """Close both connections."""
        for connection in (self.request, self._upstream):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _forward_requests(self) -> None:
        with suppress(OSError):
            while data := self.request.recv(65536):
                self._response_lost = self._response_lost or self.server.loses_response(data)
                self._upstream.sendall(data)
        self.close()

    def _forward_responses(self) -> None:
        with suppress(OSError):
            while (data := self._upstream.recv(65536)) and not self._response_lost:
                self.request.sendall(data)
        self.close()
