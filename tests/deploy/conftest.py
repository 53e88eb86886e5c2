"""Fixtures: commands, and a socket that receives what a service tells systemd."""

import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import frozen

from tests.cli.conftest import chatr

__all__ = ["chatr"]


@frozen
class Supervisor:
    """Receives notifications. `address` is what systemd would put into NOTIFY_SOCKET."""

    address: str
    socket: socket.socket

    def receive(self) -> list[str]:
        """Return the assignments of the next datagram."""
        return self.socket.recv(4096).decode().split("\n")

    def receive_until(self, assignment: str) -> list[str]:
        """Return the assignments of all datagrams up to the first with this one."""
        received: list[str] = []
        while assignment not in received:
            received += self.receive()
        return received


@pytest.fixture
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor whose socket is in a folder or, with the parameter "abstract", in the abstract namespace."""
    is_abstract = getattr(request, "param", "path") == "abstract"
    address = f"@chatr/{uuid4()}" if is_abstract else f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0", 1))
        receiver.settimeout(30)
        yield Supervisor(address, receiver)
