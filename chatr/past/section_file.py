"""A file of sections, with a digest by which damage is noticed before anything is decoded.

Two lines come first: the versions, and the digest of all that follows. A section is a sequence of pieces of bytes, each
after its length, and ends with an empty one. Neither writing nor reading needs memory for more than one piece.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import BinaryIO, Final

LENGTH_SIZE: Final = 8
"""Bytes of the length before each piece."""
BLOCK: Final = 1 << 20
"""Bytes that are read at a time to compute the digest."""


def write_sections(file: BinaryIO, versions: bytes, sections: Iterable[Iterable[bytes]]) -> None:
    """Write sections to an empty file. No piece may be empty. Raises OSError."""
    digest = sha256()
    # All digests have the same length: this one is replaced at the end.
    file.write(header(versions, digest.hexdigest()))
    for section in sections:
        for piece in chain(section, [b""]):
            for part in (len(piece).to_bytes(LENGTH_SIZE, "little"), piece):
                digest.update(part)
                file.write(part)
    file.seek(0)
    file.write(header(versions, digest.hexdigest()))


def header(versions: bytes, digest: str) -> bytes:
    """The first two lines of a file."""
    return versions + b"\n" + digest.encode() + b"\n"


def check_header(file: BinaryIO, versions: bytes) -> None:
    """Check versions and digest of a file, and seek its first section. Raises ValueError or OSError."""
    digest = sha256()
    found = file.read(len(header(versions, digest.hexdigest())))
    if not found.startswith(versions):
        raise ValueError("it is damaged, or from another version")
    while block := file.read(BLOCK):
        digest.update(block)
    if found != header(versions, digest.hexdigest()):
        raise ValueError("it is damaged")
    file.seek(len(found))


def read_section(file: BinaryIO) -> Iterator[bytes]:
    """Yield the pieces of the next section. Raises ValueError if the file ends before it."""
    while length := int.from_bytes(read_exactly(file, LENGTH_SIZE), "little"):
        yield read_exactly(file, length)


def read_exactly(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes of a file. Raises ValueError if it has fewer."""
    part = file.read(size)
    if len(part) < size:
        raise ValueError("it ends too early")
    return part
