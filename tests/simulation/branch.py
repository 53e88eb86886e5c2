"""What follows from the records of one version of the log. Restoring an older copy begins another branch."""

from collections import defaultdict
from collections.abc import Callable

from attrs import define, field, frozen

from chatr.domain.chain import EMPTY_CHAIN_HASH
from chatr.domain.limits import Limits
from chatr.domain.room import Room
from tests.simulation.expected_keys import ExpectedKeys


@frozen
class StoredMessage:
    """A message in the log: the `number`-th of its branch; `before` is the cursor of the message before it."""

    cursor: str
    number: int
    before: str
    agent: str
    content: str
    position: int


@define(eq=False)
class Branch:
    """What follows from one version of the log. `report` is called with a sentence for a record that must not be there.

    `contents`: the position of each message, by its content. `keys`: agent and idempotency key of each message that has
    one. `post_times`: milliseconds since 1970, by agent. `verified_at`: the position of the first badge, by agent.
    `requests`: time and SHA-256 of the Idempotency-Key of each registration, by agent. `limits`: each with the position
    at which it was adopted. `unreadable_at`: the first record of an unknown type, where nodes stop folding.
    """

    report: Callable[[str], None]
    room: Room = field(factory=Room)
    chain_hashes: set[str] = field(factory=lambda: {EMPTY_CHAIN_HASH.hex()})
    messages: list[StoredMessage] = field(factory=list)
    contents: dict[str, int] = field(factory=dict)
    keys: set[tuple[str, str]] = field(factory=set)
    post_times: defaultdict[str, list[int]] = field(factory=lambda: defaultdict(list))
    verified_at: dict[str, int] = field(factory=dict)
    requests: dict[str, tuple[int, str | None]] = field(factory=dict)
    limits: list[tuple[int, Limits]] = field(factory=list)
    open_keys: ExpectedKeys = field(init=False)
    unreadable_at: int | None = None

    def __attrs_post_init__(self) -> None:
        self.open_keys = ExpectedKeys(self.report)
