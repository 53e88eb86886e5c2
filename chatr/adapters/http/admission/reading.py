"""Who may read a private room (`--reading agents`): whoever sends the key of an agent, a suspended one included."""

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.access_errors import READING_NEEDS_KEY
from chatr.adapters.http.admission.authentication import api_key, authenticate
from chatr.adapters.http.error_catalogue import http_error
from chatr.domain.keys import hash_key
from chatr.node.node import Node
from chatr.ports import Clock


@frozen
class ReadingAccess:
    """Decides by the limits in force in the log, so that every node obeys them from the same record on.

    Readers are known by the digest of their key; None stands for one who sent no key to an open room.
    """

    _node: Node
    _clock: Clock

    @property
    def needs_key(self) -> bool:
        """Whether the room is private now."""
        return self._node.room.rule_context.limits.reading == "agents"

    async def reader_of(self, request: web.BaseRequest) -> str | None:
        """Return the digest of the key with which a request may read; None if none is needed.

        Raises HttpError (403) without a key, and what `authenticate` raises for a wrong one.
        """
        if not self.needs_key:
            return None
        key = api_key(request)
        if not key:
            raise http_error(READING_NEEDS_KEY)
        await authenticate(self._node, self._clock, request)
        return hash_key(key)

    def may_read(self, reader: str | None) -> bool:
        """Return whether this reader may go on: the room is open, or its key was not revoked and has not expired."""
        return not self.needs_key or (reader is not None and self._opens(reader))

    def check(self, reader: str | None) -> None:
        """Reject the response to a request that waited, if its reader may not go on. Raises HttpError (403)."""
        if not self.may_read(reader):
            raise http_error(READING_NEEDS_KEY)

    def _opens(self, digest: str) -> bool:
        room = self._node.room
        agent_id = room.agents_by_key.get(digest)
        return agent_id is not None and room.agent(agent_id).is_opened_by(digest, self._clock.now())
