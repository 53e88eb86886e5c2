"""GET /api/log/head: the position and the chain hash of the last record."""

from aiohttp import web
from attrs import frozen

from chatr import wire
from chatr.node.node import Node
from chatr.ports import RecordAltered


@frozen
class LogHandlers:
    """Handlers about the log itself."""

    _node: Node

    async def head(self, _request: web.BaseRequest) -> wire.LogHeadResponse:
        """Return the end of the log as this node has folded it.

        A client that stores the digest can prove later that no record up to there was changed. Raises RecordAltered if
        one was: what the log holds then does not lead to this digest.
        """
        integrity = self._node.integrity
        if integrity.altered is not None:
            raise RecordAltered(integrity.altered)
        # From the room and not from the store: position and digest must belong together, and no store knows the digest.
        room = self._node.room
        return wire.LogHeadResponse(
            position=room.position,
            digest=room.chain_hash.hex(),
            log_id=room.log_id,
            verified_to=integrity.verified_to,
        )
