"""The addresses on which the room listens: every form of `--host`, and systems that lack a part."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pytest
from yarl import URL

from chatr.adapters import listening_socket
from chatr.adapters.http.stream.lagging_watcher import set_send_buffer
from chatr.adapters.listening_socket import CannotListen, is_loopback_listener, listen, url_of
from chatr.setting_values import parse_listen_host
from tests.conftest import OpenRoom
from tests.requirements import skip_or_fail
from tests.stream_client import TIMEOUT

IPV4: Final = "127.0.0.1"
IPV6: Final = "::1"
REACHED: Final = {
    "127.0.0.1": (IPV4,),
    "127.0.0.2": ("127.0.0.2",),
    "0.0.0.0": (IPV4,),
    "::1": (IPV6,),
    "[::1]": (IPV6,),
    "0:0:0:0:0:0:0:1": (IPV6,),
    "::": (IPV4, IPV6),
    "[::]": (IPV4, IPV6),
    "*": (IPV4, IPV6),
    "::ffff:127.0.0.1": (IPV4,),
    "localhost": (IPV4, IPV6),
}
"""Hosts, and the addresses at which a client reaches a server that listens there."""
NO_HOSTS: Final = {
    "": "empty",
    " ": "empty",
    "127.0.0.1:8080": "--port",
    "localhost:8080": "--port",
    "[::1]:8080": "--port",
    "http://localhost": "--port",
    "/run/chatr.socket": "--port",
    "unix:/run/chatr.socket": "--port",
    "::1::": "--port",
}
UNKNOWN: Final = (
    "ü..x",
    "x" * 64,
    "a" * 300,
    "no-such-host.invalid",
    "x\0y",
    "192.0.2.1",
    "fe80::1%nope",
    "fe80::1",
    "2001:db8::7",
)
"""What is no address of this machine, or no name at all."""


@pytest.fixture(autouse=True)
def _both_families() -> None:
    """Skip the tests where the loopback has no IPv6."""
    try:
        socket.create_server((IPV6, 0), family=socket.AF_INET6).close()
    except OSError:
        skip_or_fail("There is no IPv6.")


@contextmanager
def listening(host: str, port: int = 0) -> Iterator[Sequence[socket.socket]]:
    """Listen at a host during the block."""
    with ExitStack() as opened:
        yield [opened.enter_context(each) for each in listen(parse_listen_host(host), port)]


def reached(port: int, addresses: Sequence[str]) -> list[str]:
    """Return the addresses at which something listens."""
    found = []
    for address in addresses:
        try:
            socket.create_connection((address, port), timeout=TIMEOUT).close()
        except OSError:
            continue
        found.append(address)
    return found


@pytest.mark.parametrize("host", REACHED)
def test_every_address_of_a_host_is_listened_at(host: str) -> None:
    """`::` takes IPv4 too, and a name is listened at in each family that it has."""
    expected = [each for each in REACHED[host] if host != "localhost" or each in names("localhost")]
    with listening(host) as listeners:
        port = listeners[0].getsockname()[1]
        others = {IPV4, "127.0.0.2", IPV6} - {*expected} if host in ("127.0.0.1", "127.0.0.2", "::1") else ()

        assert reached(port, expected) == expected
        assert reached(port, sorted(others)) == []
        assert {each.getsockname()[1] for each in listeners} == {port}


def names(host: str) -> set[str]:
    """Return the addresses of a name."""
    return {str(found[4][0]) for found in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)}


@pytest.mark.parametrize("host", REACHED)
async def test_the_printed_address_can_be_opened(host: str, open_room: OpenRoom) -> None:
    """A client that is given the URL reaches the room."""
    room = await open_room(host=parse_listen_host(host))

    assert (await room.get("/health")).status == 200
    assert URL(room.running.url).host in ("localhost", "127.0.0.2", IPV6, "::ffff:7f00:1", "::ffff:127.0.0.1")


@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_host_stands_alone(host: str) -> None:
    """What is more or less than a host is refused with what to write."""
    with pytest.raises(ValueError, match=NO_HOSTS[host]):
        parse_listen_host(host)


@pytest.mark.parametrize("host", UNKNOWN)
def test_what_is_no_host_here_is_refused(host: str) -> None:
    """The error is one sentence."""
    with pytest.raises(CannotListen, match=r"^Cannot listen on [^\n]*, port 0: .+\.$"):
        listen(host, 0)


@pytest.fixture
def _name_of_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let localhost have both addresses, as on most machines."""

    def found(_host: str, port: int, **_options: Any) -> list[Any]:
        kind = (socket.SOCK_STREAM, 6, "")
        return [(socket.AF_INET6, *kind, (IPV6, port, 0, 0)), (socket.AF_INET, *kind, (IPV4, port))]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.usefixtures("_name_of_both_families")
def test_a_name_of_both_families() -> None:
    """Both addresses are listened at, on one port."""
    with listening("localhost") as listeners:
        ports = {each.getsockname()[1] for each in listeners}
        families = [each.family for each in listeners]

        assert (families, len(ports), is_loopback_listener(listeners)) == ([socket.AF_INET6, socket.AF_INET], 1, True)
        assert url_of(listeners) == f"http://localhost:{ports.pop()}"


@pytest.mark.usefixtures("_name_of_both_families")
@pytest.mark.parametrize("taken", [socket.AF_INET, socket.AF_INET6])
def test_a_port_in_use_in_one_family_is_refused(taken: socket.AddressFamily) -> None:
    """Otherwise some clients of `localhost` would reach another program."""
    address = IPV6 if taken == socket.AF_INET6 else IPV4
    with socket.create_server((address, 0), family=taken) as other, pytest.raises(CannotListen, match=r"in use \(stop"):
        listen("localhost", other.getsockname()[1])


@pytest.mark.parametrize("taken", [IPV4, IPV6])
def test_all_addresses_are_not_listened_at_where_one_is_in_use(taken: str) -> None:
    """`::` is both families."""
    host = "::"
    with listening(taken) as (other,), pytest.raises(CannotListen, match=r"in use.*another port"):
        listen(host, other.getsockname()[1])


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[socket.socket, tuple[Any, ...]], int | None]) -> None:
    """Let each call of setsockopt fail for which `fails` returns an error number."""

    class Socket(socket.socket):
        """A socket of another system."""

        def setsockopt(self, *arguments: Any) -> None:
            if number := fails(self, arguments):
                raise OSError(number, "Protocol not available")
            super().setsockopt(*arguments)

    monkeypatch.setattr(socket, "socket", Socket)


@pytest.mark.parametrize("option", [*(name for _, name, _ in listening_socket.OPTIONS), "IPV6_V6ONLY"])
def test_a_system_without_a_socket_option(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room listens: an option only improves something."""
    number = getattr(socket, option)
    failing(monkeypatch, lambda _socket, arguments: errno.ENOPROTOOPT if arguments[1] == number else None)
    with listening("::1" if option == "IPV6_V6ONLY" else "127.0.0.1") as listeners:
        assert url_of(listeners)


def test_a_system_that_does_not_know_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has no name for it there, as for TCP_USER_TIMEOUT on macOS."""
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")
    with listening("127.0.0.1") as listeners:
        assert is_loopback_listener(listeners)


def test_a_connection_without_an_option() -> None:
    """A stream goes on whose buffer cannot be changed, as on macOS once the client has gone."""
    connection = socket.socket()
    connection.close()
    set_send_buffer(asyncio.Transport({"socket": connection}), 1024)

    assert connection.fileno() == -1


def test_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is listened at with IPv4 alone, and `::` is refused with what to write instead."""

    class Socket(socket.socket):
        """A socket of a kernel without IPv6."""

        def __init__(self, family: int = -1, *arguments: Any, **options: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *arguments, **options)

    monkeypatch.setattr(socket, "socket", Socket)
    with listening("localhost") as listeners:
        assert url_of(listeners).startswith("http://localhost:")
    with pytest.raises(CannotListen, match=r"use 0\.0\.0\.0"):
        listen("::", 0)


def test_a_port_without_the_right_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what needs rights."""

    def refused(*_arguments: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(listening_socket, "bound", refused)
    with pytest.raises(CannotListen, match=r"port 80: Permission denied \(ports below 1024"):
        listen("127.0.0.1", 80)
