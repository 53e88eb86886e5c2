"""The file of the admin socket: private from the first moment, found by any path, and never put over other things."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from structlog.testing import capture_logs

from chatr.admin.socket_file import (
    WAITING_CONNECTIONS,
    CannotOpenSocket,
    CannotReachNode,
    admin_listener,
    connected_socket,
    listening_socket,
)
from tests.requirements import skip_or_fail


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a socket."""
    return tmp_path / "chatr.db.admin"


def talk(path: Path, listening: socket.socket) -> bytes:
    """Send two bytes through the socket at `path`, and return what arrives."""
    connection = connected_socket(path)
    assert connection is not None
    accepted, _ = listening.accept()
    with connection, accepted:
        connection.sendall(b"ok")
        return accepted.recv(10)


def leave_socket(path: Path) -> None:
    """Leave a socket at `path` that nobody listens to, as a killed process does."""
    first = path.with_name("first")
    with listening_socket(first):
        path.hardlink_to(first)


def test_only_the_owner_may_use_the_socket(path: Path) -> None:
    """The socket has mode 0600, whatever the umask of the process, which stays as it was."""
    before = os.umask(0)
    try:
        with listening_socket(path):
            mode = path.lstat().st_mode
            now = os.umask(0)
    finally:
        os.umask(before)

    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode), now) == (True, 0o600, 0)


def test_the_socket_is_removed_at_the_end(path: Path) -> None:
    """Nothing is left in the folder."""
    with listening_socket(path) as listening:
        assert talk(path, listening) == b"ok"

    assert list(path.parent.iterdir()) == []


def test_a_path_may_be_longer_than_an_address(path: Path) -> None:
    """Node and client find a socket whose folder and name are longer than the 107 bytes of an address."""
    if not Path("/proc/self/fd").exists():
        skip_or_fail("there is no /proc here, by which long paths are shortened")
    folder = path.parent / ("d" * 200) / ("e" * 200)
    folder.mkdir(parents=True)
    long_path = folder / ("n" * 240)
    with listening_socket(long_path) as listening:
        assert talk(long_path, listening) == b"ok"


def test_a_relative_path_is_meant_from_the_working_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path without a folder works."""
    monkeypatch.chdir(path.parent)
    with listening_socket(Path(path.name)) as listening:
        assert talk(path, listening) == b"ok"


def test_the_socket_of_a_killed_node_is_replaced(path: Path) -> None:
    """A socket that nobody listens to does not hold up the next start, and no client takes it for a node."""
    leave_socket(path)
    assert stat.S_ISSOCK(path.lstat().st_mode)
    assert connected_socket(path) is None

    with listening_socket(path) as listening:
        assert talk(path, listening) == b"ok"


def test_the_socket_of_a_live_node_is_not_replaced(path: Path) -> None:
    """A second node is refused, and the first one stays reachable."""
    with listening_socket(path) as listening:
        with pytest.raises(CannotOpenSocket, match=r"^Another node listens at .*: give another path"):
            open_and_close(path)
        listening.accept()[0].close()

        assert talk(path, listening) == b"ok"


def open_and_close(path: Path) -> None:
    """Open and close a socket."""
    with listening_socket(path):
        pass


def test_a_node_with_a_full_queue_is_alive(path: Path) -> None:
    """A node that takes no connections at the moment keeps its socket, and a client is asked to try again."""
    with listening_socket(path), ExitStack() as connections:
        for _ in range(WAITING_CONNECTIONS + 1):
            connection = connected_socket(path)
            assert connection is not None
            connections.enter_context(connection)

        with pytest.raises(CannotReachNode, match=r"takes no more connections: try again\.$"):
            connected_socket(path)
        with pytest.raises(CannotOpenSocket, match="takes no more connections"):
            open_and_close(path)


@pytest.mark.parametrize("kind", ["file", "folder", "fifo", "link to a file", "link to a socket", "broken link"])
def test_anything_else_at_the_path_is_refused(path: Path, kind: str) -> None:
    """What is no socket is neither replaced nor used, and neither is what a symbolic link leads to."""
    other = path.with_name("other")
    match kind:
        case "file":
            path.write_text("precious")
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "link to a file":
            other.write_text("precious")
            path.symlink_to(other)
        case "link to a socket":
            leave_socket(other)
            path.symlink_to(other)
        case "broken link":
            path.symlink_to(other)
    before = path.lstat()

    with pytest.raises(CannotOpenSocket, match=r" is (no socket|a symbolic link)\. Give another path"):
        open_and_close(path)
    with pytest.raises(CannotReachNode):
        connected_socket(path)
    assert os.path.samestat(before, path.lstat())


def test_a_socket_that_took_the_place_is_not_removed(path: Path) -> None:
    """A node whose socket was replaced leaves the new one alone when it ends."""
    with listening_socket(path):
        path.unlink()
        path.write_text("precious")

    assert path.read_text() == "precious"


async def test_a_socket_that_was_asked_for_must_open(tmp_path: Path) -> None:
    """A path in a folder that does not exist ends the start with a sentence."""
    with pytest.raises(CannotOpenSocket, match=r"^The admin socket .* cannot be opened: No such file or directory\.$"):
        async with admin_listener(tmp_path / "nowhere" / "socket", required=True):
            pass


async def test_a_socket_that_nobody_asked_for_may_be_missing(tmp_path: Path) -> None:
    """Where the file system has no sockets, a room without --admin-socket opens, and a log line says what to do."""
    with capture_logs() as lines:
        async with admin_listener(tmp_path / "nowhere" / "socket", required=False) as listening:
            assert listening is None

    assert [(line["event"], line["hint"]) for line in lines] == [
        ("no_admin_socket", "give another path to --admin-socket")
    ]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into; pytest's own are private."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        os.seteuid(0)


def test_another_user_is_refused(open_folder: Path) -> None:
    """A user who may not use the socket is asked to be the node's user, and does not take the node for a dead one."""
    path = open_folder / "socket"
    with listening_socket(path):
        os.seteuid(65534)
        with pytest.raises(CannotReachNode, match=r"^This user may not use .*: run this as the user of the node\.$"):
            connected_socket(path)
        os.seteuid(0)
