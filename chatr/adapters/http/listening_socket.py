"""The listening socket, and the socket options that accepted connections inherit from it."""

import socket
import sys
from ipaddress import ip_address
from typing import Final

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


class CannotListen(Exception):
    """The address is in use, or not one of this machine. The text is one sentence."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at the address; port 0 is any free one. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
    set_socket_options(listener)
    return listener


def set_socket_options(listener: socket.socket) -> None:
    """Set on the listener what every connection needs."""
    # Linux and the BSDs copy these to accepted sockets: set on each connection, they were a fifth of accepting one.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a small frame is sent without delay
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # Without a size, it grows to megabytes for each connection, and 250 that send at once delay all others by seconds.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_TIMEOUT)


def is_loopback_listener(listener: socket.socket) -> bool:
    """Return whether only this machine reaches the listener."""
    return ip_address(listener.getsockname()[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """Return the URL by which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    if host in ("127.0.0.1", "0.0.0.0", "::1", "::"):  # noqa: S104 -- this is read, not bound to
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
