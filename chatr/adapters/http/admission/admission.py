"""Admission of requests: limits per client address, stream slots, and the limit of verifications per agent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.access_errors import DENIED, LOCAL_ONLY
from chatr.adapters.http.admission.client_address import ClientAddress, ClientAddresses
from chatr.adapters.http.admission.loopback import is_loopback, is_loopback_origin
from chatr.adapters.http.admission.quota import Quota
from chatr.adapters.http.admission.stream_slots import StreamSlots
from chatr.adapters.http.error_catalogue import (
    RECOVERY_RATE_LIMITED,
    REGISTRATION_RATE_LIMITED,
    REQUEST_RATE_LIMITED,
    VERIFICATION_RATE_LIMITED,
    HttpError,
    http_error,
)
from chatr.adapters.http.error_type import ErrorType
from chatr.adapters.http.headers import forwarded_for
from chatr.domain.agent import Agent
from chatr.domain.limits import HOUR, SECOND, Limit
from chatr.ports import Clock, OutcomeUnknown

VERIFICATION_LIMITS: Final = (Limit(1, 10 * SECOND), Limit(10, HOUR))
"""How often an agent may complete a verification: each attempt sends requests to Moltbook."""
RECOVERY_LIMITS: Final = VERIFICATION_LIMITS
"""How often an address may complete a recovery, of any agents."""
AGENT_RECOVERY_LIMIT: Final = Limit(10, HOUR)
"""How often the recovery of one agent may be completed from all addresses, beside the first time from each address."""
FIRST_RECOVERY_LIMIT: Final = Limit(1, HOUR)
"""How often the recovery of one agent may be completed from one address, whatever others do."""


@frozen
class NodeLimits:
    """The limits of this node. All of them are per client address, except the totals, which are for the node."""

    requests: Limit
    registrations: Limit
    streams: int
    total_streams: int
    connections: int
    total_connections: int


class Admission:
    """Decides whether a request may be handled, and counts those that are. Its limits hold for this node alone.

    A room that `is_local` is for this machine alone.
    """

    def __init__(
        self,
        clock: Clock,
        limits: NodeLimits,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
        *,
        denied: Sequence[IPv4Network | IPv6Network] = (),
        is_local: bool = False,
    ) -> None:
        self._is_local = is_local
        self._clock = clock
        self._addresses = ClientAddresses(trusted_proxies, denied)
        self._requests = Quota(limits.requests)
        self.request_limit = str(limits.requests)
        self._registrations = Quota(limits.registrations)
        self._verifications = [Quota(limit) for limit in VERIFICATION_LIMITS]
        self._recoveries = [Quota(limit) for limit in RECOVERY_LIMITS]
        self._agent_recoveries, self._first_recoveries = Quota(AGENT_RECOVERY_LIMIT), Quota(FIRST_RECOVERY_LIMIT)
        self.streams = StreamSlots(limits.streams, limits.total_streams)

    def check_request(self, request: web.BaseRequest) -> None:
        """Reject a request of a denied address, and one that another machine's page may have sent to a local room.

        Raises HttpError (403).
        """
        if self._addresses.are_denied:
            self.check_address(request.remote or "", forwarded_for(request))
        self.check_host(request.headers)

    def check_address(self, peer: str, forwarded_for: str) -> None:
        """Reject a request from `peer` with this X-Forwarded-For if its client is denied. Raises HttpError (403)."""
        if self._addresses.is_denied(peer, forwarded_for):
            raise http_error(DENIED)

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Reject what a web page of another machine may have sent to a local room. Raises HttpError (403)."""
        if not self._is_local:
            return
        # Every browser sends Host. What does not, as old programs with HTTP/1.0, runs on this machine.
        host, origin = headers.get("host"), headers.get("origin")
        if not (host is None or is_loopback(host)) or not (origin is None or is_loopback_origin(origin)):
            raise http_error(LOCAL_ONLY)

    def client_address(self, request: web.BaseRequest) -> str:
        """Return the address that `request` is counted against."""
        return self._addresses.of_request(request)

    def address_of_peer(self, peer: str, forwarded_for: str) -> str:
        """Return the address that a request from `peer` with this X-Forwarded-For is counted against."""
        return self._addresses.of_peer(peer, forwarded_for)

    def address_of_connection(self, peer: str) -> ClientAddress | None:
        """Return the address of a connection of `peer`, or None for a trusted proxy."""
        return self._addresses.of_connection(peer)

    def count_request(self, address: str) -> None:
        """Count a request of `address`. Raises HttpError (429)."""
        if wait := self.try_request(address):
            raise rate_limit_error(REQUEST_RATE_LIMITED, self._requests.limit, wait)

    def try_request(self, address: str) -> int:
        """Count a request of `address` and return 0, or count none and return the milliseconds to wait."""
        # Not by the time of day: a clock that is set must make nobody wait longer.
        return self._requests.take(address, self._clock.elapsed())

    @contextmanager
    def count_registration(self, request: web.BaseRequest) -> Iterator[None]:
        """Count the registration that the block makes, unless it certainly was not stored.

        Every Exception but OutcomeUnknown gives the count back. Raises HttpError (429) if the quota is used up.
        """
        address = self.client_address(request)
        taken_at = self._take(self._registrations, REGISTRATION_RATE_LIMITED, address)
        try:
            yield
        except OutcomeUnknown:
            raise  # it may have been stored, so it counts
        except Exception:
            self._registrations.give_back(address, taken_at)
            raise

    def count_verification(self, agent: Agent) -> None:
        """Count an attempt of `agent` to complete a verification. Raises HttpError (429)."""
        now = self._clock.elapsed()
        # First all limits, then all counts: an attempt that one limit rejects must not use up the other.
        for quota in self._verifications:
            if wait := quota.wait(agent.id, now):
                raise rate_limit_error(VERIFICATION_RATE_LIMITED, quota.limit, wait)
        for quota in self._verifications:
            quota.take(agent.id, now)

    def count_recovery(self, request: web.BaseRequest, agent: Agent) -> None:
        """Count an attempt to complete the recovery of `agent`. Raises HttpError (429)."""
        address, now = self.client_address(request), self._clock.elapsed()
        quotas = [(quota, address) for quota in self._recoveries]
        # Anybody may try to recover any agent. So the limit of an agent alone would let strangers lock its owner out.
        first = (self._first_recoveries, f"{agent.id} {address}")
        quotas.append((self._agent_recoveries, agent.id) if first[0].wait(first[1], now) else first)
        for quota, subject in quotas:
            if wait := quota.wait(subject, now):
                raise rate_limit_error(RECOVERY_RATE_LIMITED, quota.limit, wait)
        for quota, subject in quotas:
            quota.take(subject, now)

    def take_stream_slot(self, address: str) -> Callable[[], None]:
        """Take a stream slot and return the function that frees it, to be called once. Raises HttpError (429)."""
        return self.streams.take(address)

    @contextmanager
    def hold_stream_slot(self, request: web.BaseRequest) -> Iterator[None]:
        """Hold a stream slot during the block. Raises HttpError (429)."""
        free = self.take_stream_slot(self.client_address(request))
        try:
            yield
        finally:
            free()

    def _take(self, quota: Quota, error_type: ErrorType, address: str) -> int:
        """Count one event of `address` and return when it was counted, in milliseconds of `clock.elapsed()`.

        Raises HttpError (429) if the quota is used up.
        """
        now = self._clock.elapsed()
        if wait := quota.take(address, now):
            raise rate_limit_error(error_type, quota.limit, wait)
        return now


def rate_limit_error(error_type: ErrorType, limit: Limit, wait: int) -> HttpError:
    """Return the 429 error; `wait` is in milliseconds."""
    return http_error(error_type, limit=str(limit), retryAfter=whole_seconds(wait))


def whole_seconds(milliseconds: int) -> int:
    """Return `milliseconds` in seconds, rounded up."""
    return -(-milliseconds // SECOND)
