"""A node without a web server."""

from chatr.domain.room import Room
from chatr.node.follower import Follower
from chatr.node.listener import Listener
from chatr.node.node import Node
from chatr.node.timeouts import DEFAULT_NODE_TIMEOUTS, NodeTimeouts
from chatr.ports import EventLog
from chatr.testing.clock import SettableClock
from chatr.testing.secrets import CountedSecrets


def node_on(
    log: EventLog, room: Room | None = None, *listeners: Listener, timeouts: NodeTimeouts = DEFAULT_NODE_TIMEOUTS
) -> Node:
    """A node on a log, with a clock that stands still and predictable secrets. Its follower is not running yet."""
    follower = Follower(log, room or Room(), listeners, timeouts)
    return Node.create(log, follower, SettableClock(), CountedSecrets())
