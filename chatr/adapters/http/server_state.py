"""The state of the web server, for the metrics."""

from collections.abc import Mapping

from attrs import frozen

from chatr.adapters.http.listener import HttpListener
from chatr.adapters.http.stream.hub import Hub


@frozen
class ServerState:
    """What is open now, and what was ended. Implements `chatr.adapters.metrics.sources.HttpState`."""

    _listener: HttpListener
    _hub: Hub

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._listener.connections)

    @property
    def streams(self) -> Mapping[str, int]:
        """How many streams are open: live ones, those that are behind, and requests that wait for a message."""
        # A watcher that was dropped leaves the hub at once, and its slot when its connection is lost.
        waiting = max(0, self._listener.admission.streams.taken - len(self._hub))
        return {"live": self._hub.live, "behind": self._hub.behind, "waiting": waiting}

    @property
    def max_streams(self) -> int:
        """How many streams may be open."""
        return self._listener.admission.streams.total

    @property
    def evictions(self) -> Mapping[str, int]:
        """How many streams the server ended, by reason."""
        return self._hub.evictions
