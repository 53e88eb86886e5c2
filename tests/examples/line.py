"""The line between an agent and its room, which can break."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Self
from urllib.parse import urlsplit


class Line(ThreadingTCPServer):
    """Carries bytes between its own address and the room's while its block runs."""

    daemon_threads = True

    def __init__(self, room: str) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.room = urlsplit(room).hostname, urlsplit(room).port
        self.losing = b""
        """A request that begins like this reaches the room, but its reply is lost; once."""
        self._lock = Lock()
        self._whole = True
        self._calls: list[Call] = []

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.shutdown()
        self.hang_up()
        self.server_close()

    @contextmanager
    def broken(self) -> Iterator[None]:
        """End every call; until the block is left, nobody gets through."""
        with self._lock:
            self._whole = False
        self.hang_up()
        yield
        self._whole = True

    def hang_up(self) -> None:
        for call in self._calls:
            call.hang_up()

    def carries(self, call: "Call") -> bool:
        with self._lock:
            self._calls.append(call)
            return self._whole

    def loses(self, request: bytes) -> bool:
        lost = bool(self.losing) and request.startswith(self.losing)
        if lost:
            self.losing = b""
        return lost


class Call(BaseRequestHandler):
    """A connection of the agent, and the one to the room that goes with it."""

    server: Line
    request: socket.socket

    def handle(self) -> None:
        self._lost = False
        with socket.create_connection(self.server.room) as self._room:
            if self.server.carries(self):
                back = Thread(target=self._carry_back, daemon=True)
                back.start()
                self._carry()
                back.join()

    def hang_up(self) -> None:
        for end in (self.request, self._room):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _carry(self) -> None:
        with suppress(OSError):
            while said := self.request.recv(65536):
                self._lost = self._lost or self.server.loses(said)
                self._room.sendall(said)
        self.hang_up()

    def _carry_back(self) -> None:
        with suppress(OSError):
            while (said := self._room.recv(65536)) and not self._lost:
                self.request.sendall(said)
        self.hang_up()
