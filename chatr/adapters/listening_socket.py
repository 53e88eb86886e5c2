"""The listening sockets, and the socket options that accepted connections inherit from them."""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

import structlog

# After a restart all watchers connect within seconds. With asyncio's default of 100 the kernel dropped some of 1,000
# that came 128 at a time, and those tried again a second later.
BACKLOG: Final = 1024
"""Connections that may wait to be accepted."""
SEND_BUFFER: Final = 128 * 1024
"""Bytes that the kernel holds for a connection. Small, so that a watcher that reads nothing is noticed soon."""
RECEIVE_BUFFER: Final = 8 * 1024
"""Bytes of a connection that the kernel accepts unread: a whole request. One read of the event loop takes as many."""
UNACKNOWLEDGED_TIMEOUT: Final = 30_000
"""Milliseconds for which a peer that vanished may leave bytes unacknowledged. TCP keep-alive alone takes two hours."""
Options = Sequence[tuple[int, str, int]]
"""Socket options: level, name and value."""

FEW_OPTIONS: Final = (
    (socket.SOL_SOCKET, "SO_REUSEADDR", 1),  # a restart need not wait until the old connections are forgotten
)
OPTIONS: Final = (
    *FEW_OPTIONS,
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),  # a small frame is sent without delay
    (socket.SOL_SOCKET, "SO_SNDBUF", SEND_BUFFER),
    # Without a size, it grows to megabytes for each connection, and 250 that send at once delay all others by seconds.
    (socket.SOL_SOCKET, "SO_RCVBUF", RECEIVE_BUFFER),
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", UNACKNOWLEDGED_TIMEOUT),  # Linux alone has it
)
FREE_PORTS_TRIED: Final = 8
"""Ports that are tried for a name with addresses of both families, where any free one will do."""
EVERY_IPV4: Final = "0.0.0.0"  # noqa: S104 -- compared with what the operator chose
EVERY_ADDRESS: Final = "::"
ASTERISK: Final = "*"
"""What other servers call every address. Some systems look it up as both of the above, which exclude each other."""
ABSENT: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
"""Errors for an address that this machine does not have, perhaps because IPv6 is switched off."""
HINTS: Final = {
    errno.EACCES: "ports below 1024 need rights that systemd or a proxy has: choose another port",
    errno.EADDRINUSE: "stop what listens there, or choose another port",
    errno.EADDRNOTAVAIL: "no interface of this machine has this address",
    errno.EINVAL: "a link-local address needs its interface, as in fe80::1%eth0",
    errno.EAFNOSUPPORT: "the kernel has no IPv6: use 0.0.0.0 or another IPv4 address",
}
"""What to do about an error of the system."""

Address = tuple[Any, ...]
"""An address as sockets have it: host, port, and for IPv6 flow and scope."""

logger = structlog.get_logger()


class CannotListen(Exception):
    """The address is in use, or not one of this machine. The text is one sentence."""


def listen(host: str, port: int, options: Options = OPTIONS, *, purpose: str = "listen") -> list[socket.socket]:
    """Return sockets that listen at all addresses of `host`, on one port; 0 is any free one.

    Raises CannotListen, which says that the `purpose` cannot be met.
    """
    failure = f"Cannot {purpose} on {host}, port {port}"
    addresses = addresses_of(host, port, failure)
    # A port that is free in one family may be in use in the other.
    for _ in range(FREE_PORTS_TRIED if port == 0 else 1):
        try:
            return bound_to_all(addresses, options)
        except OSError as error:
            failed = error
    hint = HINTS.get(failed.errno or 0)
    raise CannotListen(f"{failure}: {failed.strerror}{f' ({hint})' if hint else ''}.")


def bound_to_all(addresses: Sequence[tuple[int, Address]], options: Options) -> list[socket.socket]:
    """Return a socket for each address that this machine has. Raises OSError."""
    absent: OSError | None = None
    with ExitStack() as opened:
        listeners: list[socket.socket] = []
        for family, (host, port, *zone) in addresses:
            # A name such as localhost has an address of each family. All of them are the room, so they share its port.
            chosen = listeners[0].getsockname()[1] if listeners else port
            try:
                listeners.append(opened.enter_context(bound(family, (host, chosen, *zone), options)))
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = error
        if not listeners and absent is not None:
            raise absent
        opened.pop_all()
    return listeners


def addresses_of(host: str, port: int, failure: str) -> list[tuple[int, Address]]:
    """Return the addresses of a host with their families, each once. Raises CannotListen, as a `failure`."""
    host = EVERY_ADDRESS if host == ASTERISK else host
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "/" in name:
        raise CannotListen(f"{failure}: give an address or a host name, without scheme, path or port.")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # UnicodeError and ValueError: what is no host name, such as one with an empty label or a null character.
    except (OSError, ValueError) as error:
        hint = "the port is set by --port" if name.count(":") == 1 else "it is no address and no name of this machine"
        raise CannotListen(f"{failure}: {hint}.") from error
    addresses = [(int(family), address) for family, _, _, _, address in found]
    return list(dict.fromkeys(addresses))


def bound(family: int, address: Address, options: Options) -> socket.socket:
    """Return a socket that listens at the address, with the options. Raises OSError."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            # Whatever the system's default is, :: are all addresses, as operators of other servers are used to.
            is_mapped = IPv6Address(address[0].partition("%")[0]).ipv4_mapped is not None
            takes_ipv4 = is_mapped or address[0] == EVERY_ADDRESS
            with suppress(OSError):  # a system that has no sockets for both families
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not takes_ipv4)
        set_socket_options(listener, options)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def set_socket_options(listener: socket.socket, options: Options) -> None:
    """Set on the listener what its connections need, as far as the system has it."""
    # Linux and the BSDs copy most of these to accepted sockets: set on each connection, they took a fifth of the time.
    for level, name, value in options:
        option = getattr(socket, name, None)
        if option is None:
            continue
        try:
            listener.setsockopt(level, option, value)
        except OSError as error:
            # Each improves something; the room works without.
            logger.info("socket_option_missing", option=name, reason=error.strerror)


def is_loopback_listener(listeners: Sequence[socket.socket]) -> bool:
    """Return whether only this machine reaches the listeners."""
    addresses = [ip_address(each.getsockname()[0]) for each in listeners]
    return all((getattr(each, "ipv4_mapped", None) or each).is_loopback for each in addresses)


def url_of(listeners: Sequence[socket.socket]) -> str:
    """Return the URL by which this machine reaches the listeners."""
    # IPv4 first: not every program that is given the name localhost tries ::1.
    listener = min(listeners, key=lambda each: each.family == socket.AF_INET6)
    # With the zone of a link-local address, which the socket's own name lacks.
    host, port = socket.getnameinfo(listener.getsockname(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    is_dual = listener.family == socket.AF_INET6 and not listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    if host in ("127.0.0.1", EVERY_IPV4) or (host == EVERY_ADDRESS and is_dual):
        host = "localhost"
    elif host == EVERY_ADDRESS:
        host = "::1"
    # RFC 6874: the percent sign before the zone of a link-local address is itself encoded.
    return f"http://[{host.replace('%', '%25')}]:{port}" if ":" in host else f"http://{host}:{port}"
