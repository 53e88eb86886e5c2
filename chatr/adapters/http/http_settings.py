"""What the web server needs of the settings."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from chatr import stop_budget
from chatr.adapters.http.admission.admission import NodeLimits
from chatr.adapters.http.endpoints.room_at import TIME_LIMIT
from chatr.adapters.http.routes import ALL_ROUTES


@frozen
class HttpTimeouts:
    """Time-outs in seconds.

    `first_byte`: a connection that has sent nothing is closed after it. `head` and `body`: a request's head and its
    body must arrive within them. `linger`: what a client still sends after an error response is read for as long, or a
    reset could reach the client before the response. `response`: a client must have taken what waits to be sent within
    it. `start`: requests that arrive before the room is open wait so long
    for it, and are then told to try again. `shutdown`: a stop waits so long for appends, and a second longer
    for responses. `tick`: the interval of background work. `room_at`: a request that reads much, such as
    the room at an earlier moment, with its wait for other such requests.
    """

    first_byte: float = 10.0
    head: float = 10.0
    body: float = 10.0
    linger: float = 2.0
    response: float = 60.0
    start: float = 2.0
    shutdown: float = stop_budget.APPENDS
    tick: float = 1.0
    room_at: float = TIME_LIMIT


DEFAULT_HTTP_TIMEOUTS: Final = HttpTimeouts()


@frozen
class HttpSettings:
    """What the web server needs of the settings. Without `public_url` the address of the listener is shown.

    `proxies` are trusted to forward client addresses, `history` is the number of messages that a new watcher is sent,
    and `stats_every` the number of ticks between two frames of totals. A connection on which a request was answered is
    closed after `idle_timeout` seconds without another one. Client addresses in `denied` are not served. With
    `access_log` each request is logged, with `log_refusals` each error response is. The page and the documents of one
    that `is_demo` say so. One that `is_read_only` refuses what would be recorded. Search engines may list one that
    `is_indexed`.
    """

    limits: NodeLimits
    host: str
    port: int
    public_url: str | None
    proxies: Sequence[IPv4Network | IPv6Network]
    history: int
    stats_every: int
    idle_timeout: float
    timeouts: HttpTimeouts = DEFAULT_HTTP_TIMEOUTS
    denied: Sequence[IPv4Network | IPv6Network] = ()
    access_log: bool = False
    log_refusals: bool = False
    is_demo: bool = False
    is_read_only: bool = False
    is_indexed: bool = True

    @property
    def base_path(self) -> str:
        """The path of `public_url`, below which everything is served too; empty if it has none."""
        return urlsplit(self.public_url or "").path

    @property
    def has_ambiguous_base_path(self) -> bool:
        """Whether the room has this path or paths below it anyway, as `/api`: what a proxy removes would be unknown."""
        return self.base_path != "" and any(f"{route.path}/".startswith(f"{self.base_path}/") for route in ALL_ROUTES)
