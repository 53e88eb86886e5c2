"""The Unix socket of a node: a file that only the node's user may use, which is what makes that user an operator.

A socket's address ends at 107 bytes, but paths are longer. So files are named by descriptors, where the system has
/proc.
"""

import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

DESCRIPTORS: Final = Path("/proc/self/fd")
"""Where Linux names the open files of a process."""
PRIVATE: Final = 0o177
"""The rights that a new socket does not get: all but reading and writing for its owner."""
WAITING_CONNECTIONS: Final = 16
CONNECT_TIMEOUT: Final = 5.0
"""Seconds within which a node must take a connection."""

logger = structlog.get_logger()


class CannotOpenSocket(Exception):
    """The admin socket cannot be opened. The text is one sentence for the operator."""


class CannotReachNode(Exception):
    """Something is at the path of the admin socket that cannot be used. The text is one sentence for the operator."""


@asynccontextmanager
async def admin_listener(path: Path | None, *, required: bool) -> AsyncIterator[socket.socket | None]:
    """Yield a socket that listens at `path`, as `listening_socket` does; None where there is none. Clients wait in it
    until somebody accepts their connections, such as while a node reads its log.

    Raises CannotOpenSocket. If it is not `required`, and no socket can be in that folder, only a log line says so.
    """
    with ExitStack() as stack:
        listening = None
        try:
            listening = stack.enter_context(listening_socket(path)) if path else None
        except OSError as error:
            # Not every file system has sockets, and the room can be used without one that nobody asked for.
            if required:
                raise CannotOpenSocket(
                    f"The admin socket {path} cannot be opened: {error.strerror or error}."
                ) from error
            logger.warning("no_admin_socket", reason=str(error), hint="give another path to --admin-socket")
        yield listening


@contextmanager
def listening_socket(path: Path) -> Iterator[socket.socket]:
    """Yield a socket that listens at `path` with mode 0600, and remove it at the end.

    It takes the place of a socket that a killed process has left. Raises CannotOpenSocket where anything else is at
    `path`, the socket of a live node too, and OSError.
    """
    check_place(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.setblocking(False)
        bind_privately(listening, path)
        own = path.lstat()
        try:
            yield listening
        finally:
            # Another node may have put its own socket there, after somebody removed this one.
            with suppress(OSError):
                if os.path.samestat(own, path.lstat()):
                    path.unlink()


def check_place(path: Path) -> None:
    """Raise CannotOpenSocket if anything but the socket of a process that has ended is at `path`."""
    # Two nodes that start at one path at the same moment may both find the socket of a third: then the later one has
    # it. Beside a SQLite file that cannot happen, as the log is locked before.
    try:
        connection = connected_socket(path)
    except CannotReachNode as error:
        raise CannotOpenSocket(f"{error} Give another path to --admin-socket, or off.") from error
    if connection is not None:
        connection.close()
        raise CannotOpenSocket(f"Another node listens at {path}: give another path to --admin-socket, or off.")


def bind_privately(listening: socket.socket, path: Path) -> None:
    """Bind a socket to `path`, for its owner only, and listen. Raises OSError."""
    # Under another name first, so that no client ever finds a socket at `path` that does not listen. The number of the
    # process lets the next start in the same container remove what a kill at this moment leaves.
    name = f".chatr-admin-{os.getpid()}"
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        # The only way to the rights of a new socket: to change them afterwards would leave it open for a moment.
        before = os.umask(PRIVATE)
        try:
            listening.bind(str(folder_address(path.parent, folder) / name))
        finally:
            os.umask(before)
        listening.listen(WAITING_CONNECTIONS)
        # Replaces what is there, and a symbolic link itself, not the file that it leads to.
        os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)


def folder_address(folder: Path, descriptor: int) -> Path:
    """A short path of the folder that is open as `descriptor`, where the system has such paths."""
    return DESCRIPTORS / str(descriptor) if DESCRIPTORS.exists() else folder


def connected_socket(path: Path) -> socket.socket | None:
    """A connection to the node that listens at `path`; None if none does. Raises CannotReachNode."""
    try:
        status = path.lstat()
        # Not followed: whoever can put a link there could lead an operator's command to another program.
        if not stat.S_ISSOCK(status.st_mode):
            kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no socket"
            raise CannotReachNode(f"{path} is {kind}.")
        return connect(path)
    # A node that was killed leaves its socket behind, at which nobody listens.
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError as error:
        raise CannotReachNode(f"This user may not use {path}: run this as the user of the node.") from error
    except BlockingIOError as error:
        raise CannotReachNode(f"The node at {path} takes no more connections: try again.") from error
    except OSError as error:
        raise CannotReachNode(f"{path} cannot be used: {error.strerror or error}.") from error


def connect(path: Path) -> socket.socket:
    """Return a connection to the socket at `path`. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(CONNECT_TIMEOUT)
    try:
        with short_address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """Yield a path of at most 107 bytes that leads to the file at `path`, where the system can name it so."""
    if not DESCRIPTORS.exists():
        yield str(path)
        return
    # O_PATH opens a socket, which cannot be opened to read, and O_NOFOLLOW no link that took its place.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield str(DESCRIPTORS / str(descriptor))
    finally:
        os.close(descriptor)
