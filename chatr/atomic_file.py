"""Writes a private file that is either complete or absent, also after a crash or a power failure."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import gettempdir, mkstemp
from typing import Final

from chatr.ports import CannotOpenLog

PARTIAL_SUFFIX: Final = ".part"
"""Ends the name of a file that is still being written."""
NOT_FLUSHABLE: Final = frozenset(
    (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.EBADF, errno.ENOTTY)
)
"""Errors of file systems that flush no folders, as some network disks. One that fails says EIO or ENOSPC."""
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def no_room_as_cannot_open(subject: Path) -> Iterator[None]:
    """Raise CannotOpenLog, which says what to do, if a temporary copy of `subject` does not fit on its disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise CannotOpenLog(
            f"{subject} cannot be read: {gettempdir()} has no room for a temporary copy. Set TMPDIR to another folder."
        ) from error


@contextmanager
def create_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary file, which gets the name `path` when the block ends; an existing file is never overwritten.

    Raises CannotOpenLog if `path` exists or cannot be written.
    """
    try:
        check_absent(path)
        with write_then_rename(path, give_new_name) as partial:
            yield partial
    except FileExistsError as error:
        raise CannotOpenLog(f"{path} exists, and is not overwritten: choose another name.") from error
    except OSError as error:
        raise CannotOpenLog(f"{path} cannot be written: {error.strerror or error}.") from error


def check_absent(path: Path) -> None:
    """Raise FileExistsError if there is a file at `path`, or another OSError if that cannot be found out."""
    if path.exists():
        raise FileExistsError


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary file, which replaces `path` when the block ends. Raises OSError."""
    with write_then_rename(path, take_name) as partial:
        yield partial


@contextmanager
def write_then_rename(path: Path, rename: Callable[[Path, Path], None]) -> Iterator[Path]:
    """Yield a private temporary file beside `path`; flush it and `rename` it when the block ends, else delete it."""
    # mkstemp creates the file with mode 0600. In the same folder, so that the rename stays within one file system.
    descriptor, name = mkstemp(prefix=f"{path.name}.", suffix=PARTIAL_SUFFIX, dir=path.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
        # Content before name: after a power failure the name must not lead to an empty file.
        flush_to_disk(partial)
        rename(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def give_new_name(partial: Path, path: Path) -> None:
    """Give a file the name `path`, flushed to the disk. Raises FileExistsError or OSError, and then did not."""
    try:
        # os.link, unlike os.rename, fails if another process has created `path` meanwhile.
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:
        # exFAT, FAT and some network disks have no links. An empty file reserves the name for a moment.
        path.touch(mode=0o600, exist_ok=False)
        rename_or_remove(partial, path)
    try:
        flush_to_disk(path.parent)
    except OSError:
        # The caller reports that it was not written, and would find it the next time.
        path.unlink(missing_ok=True)
        raise


def rename_or_remove(partial: Path, path: Path) -> None:
    """Rename a file over the one that reserves its new name, which is removed if that fails. Raises OSError."""
    try:
        take_name(partial, path)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def take_name(partial: Path, path: Path) -> None:
    """Give a file the name `path`, flushed to the disk, also if there is a file of that name. Raises OSError."""
    try:
        partial.replace(path)
    except (FileExistsError, PermissionError):
        # Some network disks rename over no file. Killed between the two calls, the content is in the partial file.
        if not path.exists():
            raise
        path.unlink()
        partial.rename(path)
    flush_to_disk(path.parent)


def remove_partial_files(path: Path) -> None:
    """Delete the temporary files of processes that were killed while they wrote `path`. Raises OSError."""
    # SQLite has files beside a database that is being written, such as …part-journal.
    for ending in (PARTIAL_SUFFIX, f"{PARTIAL_SUFFIX}-*"):
        for partial in path.parent.glob(f"{escape(path.name)}.*{ending}"):
            partial.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Flush the content of a file, or the file names in a folder, so that they survive a power failure.

    Does nothing where the file system cannot do that, or the folder may not be read. Raises OSError if it fails.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        # A folder in which files may only be created. The content of a file is flushed by whoever wrote it.
        if not path.is_dir():
            raise
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_FLUSHABLE:
            raise
    finally:
        os.close(descriptor)
