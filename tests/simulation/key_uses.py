"""Requests with a key: which nodes must accept and which they must reject."""

from math import inf
from typing import Final

from attrs import frozen

from chatr.domain.keys import hash_key
from tests.simulation.oracle import Oracle
from tests.simulation.process import Process

REJECTED: Final = frozenset((401, 429, 502, 503, 504))
"""Statuses of requests that were rejected because of their key, or before anybody looked at it."""


@frozen
class KeyUse:
    """A request with a key, as it was sent to a node: what the node had folded, and what its clock showed.

    `must_fail`: the node has folded a record by which the key is void, or its time is over.
    """

    digest: str
    generation: int | None
    began: int
    clock_steps: int
    must_fail: bool


def key_use(oracle: Oracle, process: Process, key: str) -> KeyUse:
    """The use of a key that begins now."""
    digest, now, keys = hash_key(key), process.now(), oracle.branch.open_keys
    is_known = digest in keys.agents and oracle.is_caught_up(process.node)
    must_fail = is_known and not keys.opens(digest, now) and (digest not in keys.open_until or process.has_steady_clock)
    return KeyUse(digest, oracle.generation_of(process.node), now, process.clock.steps, must_fail)


def check_key_use(oracle: Oracle, process: Process, use: KeyUse, status: int) -> None:
    """Check the status of the response to a request with a key."""
    keys = oracle.branch.open_keys
    if use.generation != oracle.generation:
        return
    is_steady = process.has_steady_clock and use.clock_steps == process.clock.steps
    if keys.open_until.get(use.digest, inf) != inf and not is_steady:
        # The clock may have shown another time between these two.
        return
    if use.must_fail and status not in REJECTED:
        oracle.report(f"{process.name} answered {status} to key {use.digest:.8}, which is void")
    is_open = keys.opens(use.digest, use.began) and keys.opens(use.digest, process.now())
    if status == 401 and is_open and oracle.is_caught_up(process.node):
        oracle.report(f"{process.name} rejected key {use.digest:.8}, which opens {keys.agents[use.digest]}")
