"""Who comes in: the peer's address, its quotas and its stream places, and whose key it shows."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.quota import Quota
from chatr.adapters.http.refusals import (
    NOT_READY,
    REGISTRATIONS,
    REQUESTS,
    STREAMS,
    VERIFICATIONS,
    Refusal,
    Turned,
    turn,
)
from chatr.domain.agent import Agent
from chatr.domain.keys import digest_of, is_key
from chatr.domain.limits import HOUR, SECOND, Limit
from chatr.domain.policy import agent_is_registered
from chatr.domain.rule import Refused
from chatr.node import Node
from chatr.ports import Clock, Unknown

LOOK_UPS: Final = (Limit(1, 10 * SECOND), Limit(10, HOUR))
"""How often an agent may complete a verification: each asks Moltbook."""
STREAM_RETRY: Final = 10
UNKNOWN_PEER: Final = "unknown"
SEEN_LATELY: Final = 256
"""Peers whose address need not be worked out again; each may have sent 16 KiB of forwarded ones."""


@frozen
class DoorLimits:
    """The node's own limits, all per address but for `streams_in_all`."""

    requests: Limit
    registrations: Limit
    streams: int
    streams_in_all: int


class Door:
    def __init__(
        self, node: Node, clock: Clock, limits: DoorLimits, proxies: Sequence[IPv4Network | IPv6Network] = ()
    ) -> None:
        self.limits = limits
        self._node = node
        self._clock = clock
        self._proxies = proxies
        self._requests = Quota(limits.requests)
        self._registrations = Quota(limits.registrations)
        self._look_ups = [Quota(limit) for limit in LOOK_UPS]
        self._streams: Counter[str] = Counter()
        self._open = 0
        self._seen_through = lru_cache(SEEN_LATELY)(self._seen_through_proxies)

    def address(self, request: web.BaseRequest) -> str:
        return self.address_of(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", ())))

    def address_of(self, remote: str, forwarded: str) -> str:
        """What counts as one address: an IPv4 address or an IPv6 /64, seen through trusted proxies only."""
        return self._seen_through(remote, forwarded if self._proxies else "")

    def _seen_through_proxies(self, remote: str, forwarded: str) -> str:
        try:
            peer = plain(ip_address(remote))
        except ValueError:
            return UNKNOWN_PEER
        if self._trusted(peer):
            peer = self._forwarded(peer, forwarded)
        return str(peer) if isinstance(peer, IPv4Address) else str(IPv6Network((int(peer) >> 64 << 64, 64)))

    def _trusted(self, peer: IPv4Address | IPv6Address) -> bool:
        return any(peer in network for network in self._proxies if peer.version == network.version)

    def _forwarded(self, peer: IPv4Address | IPv6Address, forwarded: str) -> IPv4Address | IPv6Address:
        """From the right, past trusted hops, the first that is not; the peer itself where that is malformed."""
        for hop in reversed(forwarded.split(",")):
            try:
                client = plain(ip_address(hop.strip()))
            except ValueError:
                return peer
            if not self._trusted(client):
                return client
        return peer

    def admit(self, address: str) -> None:
        """Count a request. Raises Turned."""
        self._take(self._requests, REQUESTS, address)

    @contextmanager
    def registering(self, request: web.BaseRequest) -> Iterator[None]:
        """Count a registration unless it is refused. Raises Turned."""
        address = self.address(request)
        taken = self._take(self._registrations, REGISTRATIONS, address)
        try:
            yield
        except Unknown:
            raise
        except Exception:
            self._registrations.give_back(address, taken)
            raise

    def look_up(self, agent: Agent) -> None:
        """Count an asking of Moltbook. Raises Turned."""
        now = self._clock.elapsed()
        for quota in self._look_ups:
            if wait := quota.wait(agent.id, now):
                raise too_fast(VERIFICATIONS, quota.limit, wait)
        for quota in self._look_ups:
            quota.take(agent.id, now)

    def _take(self, quota: Quota, refusal: Refusal, whose: str) -> int:
        now = self._clock.elapsed()
        if wait := quota.take(whose, now):
            raise too_fast(refusal, quota.limit, wait)
        return now

    @contextmanager
    def waiting(self, request: web.BaseRequest) -> Iterator[None]:
        """Take one of the places for streams while a request waits. Raises Turned."""
        release = self.reserve_stream(self.address(request))
        try:
            yield
        finally:
            release()

    def reserve_stream(self, address: str) -> Callable[[], None]:
        """Take one of the places for streams; gives what gives it back. Raises Turned."""
        if self._streams[address] >= self.limits.streams:
            raise too_many(self.limits.streams, "from one address")
        if self._open >= self.limits.streams_in_all:
            raise too_many(self.limits.streams_in_all, "in all")
        self._streams[address] += 1
        self._open += 1
        return partial(self._release_stream, address)

    def admit_watcher(self, address: str) -> Callable[[], None]:
        """Count a request for a place and take the place, both or neither; gives what gives it back. Raises Turned."""
        release = self.reserve_stream(address)
        try:
            self.admit(address)
        except Turned:
            release()
            raise
        return release

    def _release_stream(self, address: str) -> None:
        self._open -= 1
        self._streams[address] -= 1
        if not self._streams[address]:
            del self._streams[address]

    async def member(self, request: web.BaseRequest) -> Agent:
        """The agent whose key the request shows. Raises Refused, with one text for every failure; and Turned where this
        node may only not have heard of the agent yet.
        """
        key = shown_key(request)
        digest = digest_of(key)
        if digest not in self._node.room.keys and is_key(key) and not await self._node.catch_up():
            raise turn(NOT_READY, retryAfter=1)
        if agent := self._node.room.keys.get(digest):
            return self._node.room.agent(agent)
        raise Refused(agent_is_registered, self._node.room.house.limits, {})


def plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """IPv4 in IPv6's clothes is IPv4."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def too_fast(refusal: Refusal, limit: Limit, wait: int) -> Turned:
    return turn(refusal, limit=str(limit), retryAfter=-(-wait // SECOND))


def too_many(limit: int, whose: str) -> Turned:
    return turn(STREAMS, limit=limit, whose=whose, retryAfter=STREAM_RETRY)


def shown_key(request: web.BaseRequest) -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        return key.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("X-API-Key", "")
