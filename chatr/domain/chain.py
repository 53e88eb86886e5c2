"""The hash chain over a log: a digest of all records up to a position, which makes any later change visible."""

from hashlib import sha256
from typing import Final

from attrs import frozen

EMPTY_CHAIN_HASH: Final = bytes(32)
"""The chain hash of a log without records."""


def next_chain_hash(chain_hash: bytes, record_hash: bytes) -> bytes:
    """The chain hash after one more record: SHA-256 of the chain hash before it and the record's own hash."""
    return sha256(chain_hash + record_hash).digest()


@frozen(order=True)
class ChainPoint:
    """The chain hash of a log up to `position`. Someone who stores one can prove later that nothing up to it changed.

    Two logs with the same chain point hold the same records up to there.
    """

    position: int
    chain_hash: bytes

    def __str__(self) -> str:
        """The form in which people write a chain point down: `POSITION:HEX`."""
        return f"{self.position}:{self.chain_hash.hex()}"


CHAIN_START: Final = ChainPoint(0, EMPTY_CHAIN_HASH)
"""The chain point of a log without records."""
