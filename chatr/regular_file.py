"""Opens a path only if a regular file is there, and to write only if no symbolic link is.

To open a FIFO waits for its other end, to open a device may do anything, and what is read from either need not end.
"""

import os
import stat
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path


class NotRegularFile(OSError):
    """What is at the path is a folder, a FIFO, a socket or a device, or a link where a file is to be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a regular file")


class OtherUsersFile(OSError):
    """The file, or the link, in a folder for everybody was made by somebody else."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} belongs to another user, and its folder is open to everybody")


def check_owner(path: Path, status: os.stat_result) -> None:
    """Raise OtherUsersFile if `status` is that of a file, or of a link, that another user put at `path` in a folder for
    everybody, such as /tmp. That user could read and change what is written there. May raise another OSError.
    """
    # As Linux does itself with fs.protected_regular and fs.protected_symlinks, where these are on.
    folder = path.parent.stat()
    is_for_everybody = folder.st_mode & stat.S_IWOTH and folder.st_mode & stat.S_ISVTX
    if is_for_everybody and status.st_uid not in (os.geteuid(), folder.st_uid):
        raise OtherUsersFile(path)


def check_owner_if_there(path: Path) -> None:
    """As `check_owner`, with the file or the link at `path`, if there is one."""
    if os.path.lexists(path):
        check_owner(path, path.lstat())


def check_regular(path: Path) -> None:
    """Raise NotRegularFile if anything but a regular file is at `path`; there may also be nothing."""
    if path.exists() and not path.is_file():
        raise NotRegularFile(path)


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Return a new descriptor of the file at `path`; `flags` as of os.open.

    To a file that is only read, symbolic links may lead. A file that `os.O_CREAT` creates is private. Raises
    NotRegularFile, OtherUsersFile or another OSError.
    """
    check_regular(path)
    if flags & (os.O_WRONLY | os.O_RDWR):
        # The folder may belong to the user of a service: through a link a command of root would write anywhere.
        flags |= os.O_NOFOLLOW
        if path.is_symlink():
            raise NotRegularFile(path)
    # Without O_NONBLOCK, a FIFO that took the path since then would be waited for.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularFile(path)
    if flags & os.O_CREAT:
        try:
            check_owner(path, os.fstat(descriptor))
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def give_to_owner_of(path: Path, descriptor: int) -> None:
    """Give an open file to the owner of the file at `path`, if there is one and this process is root's.

    SQLite does the same with its files. Otherwise a server that runs as that user could not open them. A file with
    further names stays as it is: one of them may be a hard link to a file of root.
    """
    if os.geteuid() or os.fstat(descriptor).st_nlink != 1:
        return
    # Not every file system has owners, and root may lack the right in a container.
    with suppress(OSError):
        status = path.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of the regular file at `path`, at most `most` bytes. Raises OSError, also for a larger one."""
    with open_to_read(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise OSError(f"{path} has {size} bytes, more than {most}")
        return file.read(most)


def open_to_read(path: Path) -> BufferedReader:
    """Return the regular file at `path`, open for reading bytes. Raises OSError."""
    return os.fdopen(open_regular(path), "rb")


def open_to_write(path: Path) -> BufferedWriter:
    """Return the regular file at `path`, open for writing bytes from its beginning. Raises OSError."""
    return os.fdopen(open_regular(path, os.O_WRONLY), "wb")
