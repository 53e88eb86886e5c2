"""Readiness: whether this node can append and has folded every record of the log."""

import asyncio
from typing import Final

from attrs import frozen

from chatr.domain.limits import SECOND
from chatr.node.command_handler import CommandHandler
from chatr.node.follower import Follower
from chatr.ports import LogReader, LogUnavailable

TIME_LIMIT: Final = 1.0
"""Seconds within which a ready node catches up with the log, and within which its appends complete."""
FAILURE_MEMORY: Final = 10 * SECOND
"""Milliseconds for which a failed append makes the node not ready. Later the node is tried again."""


@frozen
class Readiness:
    """Determines from the follower, the command handler and the log whether this node is ready."""

    _log: LogReader
    _follower: Follower
    _commands: CommandHandler

    async def is_ready(self) -> bool:
        """Whether appends work, the log is not being read again, and the log's head is folded within a second."""
        # Appends first: a store that cannot be written may still be read, and then its head is folded in time.
        if self.appends_fail() or self._follower.is_rereading:
            return False
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await self._follower.wait_until_folded(await self._log.head())
        except (TimeoutError, LogUnavailable):
            return False
        return True

    def appends_fail(self) -> bool:
        """Whether an append failed lately, or one is pending too long: a disk that hangs raises no error."""
        return self._commands.failed_within(FAILURE_MEMORY) or self._commands.longest_pending() > TIME_LIMIT * SECOND
