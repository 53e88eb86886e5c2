"""What happens to the log of a world besides faults: older copies take its place, and a newer chatr writes to it."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from attrs import define

from chatr.ports import Draft
from tests.simulation.oracle import Oracle
from tests.simulation.store import Store

MOST_LOST: Final = 30
"""Records that a restored copy lacks at most."""


@define(eq=False)
class LogAccidents:
    """What an operator does to the log without a node."""

    random: Random
    store: Store
    oracle: Oracle
    note: Callable[..., None]

    def restore(self) -> None:
        """Replace the log by an older copy of itself, without its last records."""
        self._restore(len(self.store.records) - self.random.randint(1, MOST_LOST))

    def _restore(self, length: int) -> None:
        length = max(length, 1)
        self.oracle.log_restored(self.store.originals[:length], self.store.erased_at)
        # The copy has all texts that were still there when the log was as long. It may have been made any time later.
        latest, erased_at = self.random.random() < 0.5, self.store.erased_at
        named = [each for each in self.oracle.branch.moderation.erased if self.store.is_erased(each)]
        erased = [each for each in named if latest or erased_at[each] <= length]
        self.note("restore", length, *erased)
        self.store.restore_backup(length, erased)

    def store_unknown_type(self) -> None:
        """Store a record of a newer chatr, which this one cannot read. Within five seconds the log is restored."""
        if self.oracle.branch.unreadable_at is None and self.store.records:
            position = len(self.store.records) + 1
            self.store.append(Draft(f"{position:032x}", f"dance/{position}", "agent-danced.v1", 0, 0, "{}"), 0)
            asyncio.get_running_loop().call_later(self.random.random() * 5, self.remove_unknown_type)

    def remove_unknown_type(self) -> None:
        """Restore the log to the records before the unreadable one, if there is one."""
        if self.oracle.branch.unreadable_at is not None:
            self._restore(self.oracle.branch.unreadable_at - 1)
