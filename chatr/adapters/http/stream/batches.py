"""Frames that wait to be written, and the watchers that they are for."""

from collections.abc import Iterator

from attrs import define, field, frozen

from chatr.adapters.http.stream.chunks import EncodedFrames, encode_frames
from chatr.adapters.http.stream.watcher import Watcher


@frozen
class Batch:
    """Frames that are written together, and the watchers that have not been sent them yet."""

    frames: EncodedFrames
    recipients: Iterator[Watcher]


@define(eq=False)
class Channel:
    """The watchers that get a kind of frames, and the frames that are in no batch yet."""

    # A dict as ordered set: watchers are written to in the order in which they came.
    watchers: dict[Watcher, None] = field(factory=dict)
    pending: list[bytes] = field(factory=list)

    def take_batch(self) -> Batch:
        """Return a batch of what is pending, for the watchers that are there now."""
        batch = Batch(encode_frames(b"".join(self.pending)), iter(list(self.watchers)))
        self.pending.clear()
        return batch
