"""A file that is there whole or not at all, and that only its owner may read."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from chatr.ports import Unusable

PART: Final = ".part"


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A file to fill, which takes the name `path` at the end; what has that name already stays. Raises Unusable."""
    taken = Unusable(f"{path} exists, and is not overwritten: choose another name.")
    if path.exists():
        raise taken
    try:
        with filled(path, os.link) as partial:
            yield partial
    except FileExistsError as error:
        raise taken from error
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror or error}.") from error


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A file to fill, which takes the place of `path` at the end. Raises OSError."""
    with filled(path, os.replace) as partial:
        yield partial


@contextmanager
def filled(path: Path, rename: Callable[[Path, Path], None]) -> Iterator[Path]:
    """A private file beside `path` that is renamed once it is on disk, and gone if anything fails before."""
    descriptor, name = mkstemp(prefix=f"{path.name}.", suffix=PART, dir=path.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
        flush(partial)
        rename(partial, path)
        flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what a process left that was killed while it filled a file for `path`. Raises OSError."""
    for partial in path.parent.glob(f"{escape(path.name)}.*{PART}"):
        partial.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have what stands in a file, or the names that stand in a folder, outlive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
