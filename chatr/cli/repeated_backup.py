"""Makes backups at regular times until a signal ends it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Final

import structlog
from attrs import frozen

from chatr.cli.backup_folder import BackupFolder
from chatr.domain.chain import ChainPoint
from chatr.past.transfer import LogsDiffer
from chatr.ports import CannotOpenLog, LogUnavailable

FAILURES: Final = (CannotOpenLog, LogUnavailable, LogsDiffer, OSError)
"""Errors of one backup. The next one may succeed: the disk has room again, or the log is there again."""

BackUp = Callable[[Path], Awaitable[ChainPoint]]
"""Writes a backup to a new file and returns the end of the log in it. Raises one of FAILURES; then there is no file."""

logger = structlog.get_logger()


@frozen
class RepeatedBackup:
    """Writes a backup to `folder` every so many seconds, and deletes older ones beyond `keep`, if that is given."""

    folder: BackupFolder
    every: float
    keep: int | None
    back_up: BackUp

    async def run_until_signal(self) -> None:
        """Make backups until SIGTERM or Ctrl-C. One that is being written then is given up and leaves no file."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        for signal in (SIGTERM, SIGINT):
            loop.add_signal_handler(signal, task.cancel)
        with suppress(asyncio.CancelledError):
            await self._run()
        logger.info("stopping")

    async def _run(self) -> None:
        self.folder.remove_unfinished()
        pause = first_pause(max(self.folder.backups().values(), default=0.0), self.every, time.time())
        while True:
            logger.info("next_backup", seconds=round(pause))
            await asyncio.sleep(pause)
            began = time.monotonic()
            await self._attempt()
            pause = max(0.0, self.every - (time.monotonic() - began))

    async def _attempt(self) -> None:
        """Write one backup and log what came of it."""
        file = self.folder.file_at(time.time())
        try:
            end = await self.back_up(file)
        except FAILURES as error:
            logger.error("backup_failed", reason=str(error))  # noqa: TRY400 -- the traceback says nothing more
            return
        if self.keep is not None:
            await asyncio.to_thread(self.folder.delete_older, file, self.keep)
        logger.info("backed_up", file=str(file), records=end.position, head=str(end))


def first_pause(newest: float, every: float, now: float) -> float:
    """Return the seconds until the first backup is due, `every` seconds after the `newest` one. Times are since 1970.

    A command that is started again and again must not replace old backups by many of the last minutes.
    """
    # A newest backup in the future was written before the clock stepped back, and says nothing.
    return max(0.0, newest + every - now) if newest <= now else 0.0
