"""Encoding of frames: unchanged for HTTP/1.0, as a chunk for HTTP/1.1 (RFC 9112, section 7.1)."""

from typing import Final

from attrs import frozen

LAST_CHUNK: Final = b"0\r\n\r\n"
"""Ends a chunked body. A chunk without data would do the same, so empty frames must never be written."""


@frozen
class EncodedFrames:
    """The same frames in both encodings, each made once for all watchers."""

    plain: bytes
    chunked: bytes


def encode_frames(frames: bytes) -> EncodedFrames:
    """Return `frames` in both encodings."""
    return EncodedFrames(frames, b"".join(http_chunk(frames)))


def http_chunk(*pieces: bytes) -> tuple[bytes, ...]:
    """Return these pieces as one chunk. It is a tuple, so that a caller who joins it copies each piece only once."""
    return (b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n")
