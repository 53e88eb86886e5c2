"""The times of an agent's last posts, packed into bytes.

A rate limit may need a million times. So all but the last ones are in chunks, which do not change: adding a time copies
at most 4 kB of times and the tuple of chunks, 16 kB for a million times. Most agents have no chunks. A tuple of ints
would take four times the memory, and the garbage collector would search it.
"""

from collections.abc import Iterable, Sequence
from struct import Struct, error
from typing import Final, overload

from attrs import evolve

from chatr.domain.immutability import statically_frozen

TIME: Final = Struct("q")
CHUNK_LENGTH: Final = 512
CHUNK_SIZE: Final = CHUNK_LENGTH * TIME.size


@statically_frozen
class Chunk:
    """CHUNK_LENGTH packed times. Times may have been removed from the first chunk: its smallest and greatest stay."""

    packed: bytes
    smallest: int
    greatest: int


def packed_time(at: int) -> bytes:
    """A time as 8 bytes. One that does not fit, as an altered export may hold, counts as the greatest that fits."""
    try:
        return TIME.pack(at)
    except error:
        return TIME.pack(2**63 - 1)


def rearranged(chunks: tuple[Chunk, ...], latest: bytes, most: int) -> tuple[tuple[Chunk, ...], bytes]:
    """The last `most` times of `chunks` and `latest`; the oldest of `latest` become a chunk if they are too many."""
    if len(latest) > CHUNK_SIZE:
        full, latest = latest[:CHUNK_SIZE], latest[CHUNK_SIZE:]
        times = memoryview(full).cast("q")
        chunks = (*chunks, Chunk(full, min(times), max(times)))
    surplus = (len(PostTimes(chunks, latest)) - most) * TIME.size
    while surplus > 0 and chunks:
        rest = chunks[0].packed[surplus:]
        surplus -= len(chunks[0].packed)
        chunks = (evolve(chunks[0], packed=rest), *chunks[1:]) if rest else chunks[1:]
    return chunks, latest[-most * TIME.size :]


class PostTimes(Sequence[int]):
    """The times of posts as integers in log order, without unpacking them all."""

    def __init__(self, chunks: tuple[Chunk, ...], latest: bytes) -> None:
        self._packed = [*(chunk.packed for chunk in chunks), latest]
        self._chunks = chunks
        # Times were removed from the first chunk only.
        self._removed = CHUNK_LENGTH - len(chunks[0].packed) // TIME.size if chunks else 0

    def __len__(self) -> int:
        return len(self._chunks) * CHUNK_LENGTH - self._removed + len(self._packed[-1]) // TIME.size

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        # `range` turns a negative index into a positive one, and raises IndexError.
        place = range(len(self))[index] + self._removed
        chunk = min(place // CHUNK_LENGTH, len(self._chunks))
        offset = place - chunk * CHUNK_LENGTH - (0 if chunk else self._removed)
        at: int = TIME.unpack_from(self._packed[chunk], offset * TIME.size)[0]
        return at

    def indices_near(self, low: int, high: int, first: int) -> Iterable[int]:
        """Yield, ascending, the indices from `first` on of all times between `low` and `high`, and of some others."""
        start = -self._removed
        for chunk in self._chunks:
            if chunk.greatest > low and chunk.smallest < high:
                yield from range(max(start, first), start + CHUNK_LENGTH)
            start += CHUNK_LENGTH
        yield from range(max(start, first), len(self))
