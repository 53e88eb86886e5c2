"""GET /health and GET /ready: liveness and readiness of this process."""

from aiohttp import web
from attrs import frozen

from chatr import wire
from chatr.adapters.http.error_catalogue import NOT_READY, http_error
from chatr.node.node import Node


@frozen
class HealthHandlers:
    """Handlers that load balancers and supervisors call."""

    _node: Node

    async def live(self, _request: web.BaseRequest) -> wire.StatusResponse:
        """Return "ok": the process runs and its event loop is not blocked."""
        # The log is not checked here, as it is for /ready: a restart does not repair a store that is unavailable.
        return wire.StatusResponse(status="ok")

    async def ready(self, _request: web.BaseRequest) -> wire.StatusResponse:
        """Return "ready" if this node can append and has folded the whole log; otherwise raise 503 `not_ready`."""
        if not await self._node.readiness.is_ready():
            raise http_error(NOT_READY, retryAfter=1)
        return wire.StatusResponse(status="ready")
