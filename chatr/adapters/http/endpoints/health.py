"""GET /health and GET /ready: liveness and readiness of this process."""

from typing import Final

from aiohttp import web
from attrs import frozen
from msgspec import UNSET

from chatr import __version__, wire
from chatr.adapters.http.error_catalogue import NOT_READY, http_error
from chatr.node.node import Node

LIVE: Final = wire.HealthResponse(status="ok", version=__version__)
"""What /health answers while the process runs, also before the room is open."""
LIVE_READ_ONLY: Final = wire.HealthResponse(status="ok", version=__version__, read_only=True)
"""The same of a room that is read-only."""


@frozen
class HealthHandlers:
    """Handlers that load balancers and supervisors call."""

    _node: Node

    async def live(self, _request: web.BaseRequest) -> wire.HealthResponse:
        """Return "ok": the process runs and its event loop is not blocked."""
        # The log is not checked here, as it is for /ready: a restart does not repair a store that is unavailable.
        return LIVE_READ_ONLY if self._node.is_read_only else LIVE

    async def ready(self, _request: web.BaseRequest) -> wire.ReadyResponse:
        """Return "ready" if this node can append and has folded the whole log; otherwise raise 503 `not_ready`.

        A node that is read-only need not be able to append.
        """
        if not await self._node.readiness.is_ready():
            raise http_error(NOT_READY, retryAfter=1)
        # Not an error: all nodes read the same log, and one flipped bit in it must not end the service of all.
        altered = self._node.integrity.altered
        return wire.ReadyResponse(
            status="ready",
            altered=UNSET if altered is None else altered,
            read_only=self._node.is_read_only or UNSET,
        )
