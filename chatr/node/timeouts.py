"""How long a node waits for its log."""

from typing import Final

from attrs import frozen


@frozen
class NodeTimeouts:
    """How long a node waits for its log, in seconds.

    `fold`: until a record that is in the log is folded here. `catch_up`: how long a request waits for records that
    another node has appended. `retry_pause`: between two attempts to reach a log that is unavailable. `scrub_pause`:
    until the scrubber begins to read the log, and at least until it begins again.
    """

    fold: float = 5.0
    catch_up: float = 5.0
    retry_pause: float = 0.1
    scrub_pause: float = 5.0


DEFAULT_NODE_TIMEOUTS: Final = NodeTimeouts()
