"""Writes a private file that is either complete or absent, also after a crash or a power failure."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from chatr.ports import CannotOpenLog

PARTIAL_SUFFIX: Final = ".part"
"""Ends the name of a file that is still being written."""


@contextmanager
def create_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary file, which gets the name `path` when the block ends; an existing file is never overwritten.

    Raises CannotOpenLog if `path` exists or cannot be written.
    """
    already_exists = CannotOpenLog(f"{path} exists, and is not overwritten: choose another name.")
    try:
        check_absent(path)
        # os.link, unlike os.rename, fails if another process has created `path` meanwhile.
        with write_then_rename(path, os.link) as partial:
            yield partial
    except FileExistsError as error:
        raise already_exists from error
    except OSError as error:
        raise CannotOpenLog(f"{path} cannot be written: {error.strerror or error}.") from error


def check_absent(path: Path) -> None:
    """Raise FileExistsError if there is a file at `path`, or another OSError if that cannot be found out."""
    if path.exists():
        raise FileExistsError


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary file, which replaces `path` when the block ends. Raises OSError."""
    with write_then_rename(path, os.replace) as partial:
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
        flush_to_disk(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial_files(path: Path) -> None:
    """Delete the temporary files of processes that were killed while they wrote `path`. Raises OSError."""
    for partial in path.parent.glob(f"{escape(path.name)}.*{PARTIAL_SUFFIX}"):
        partial.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Flush the content of a file, or the file names in a folder, so that they survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
