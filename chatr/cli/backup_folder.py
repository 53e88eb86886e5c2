"""A folder of backups of one log: how they are named, and which of them are deleted."""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import structlog
from attrs import frozen

from chatr.adapters.stores.sqlite.head import last_position_and_id_at
from chatr.atomic_file import remove_partial_files
from chatr.cli.errors import CommandError

STAMP: Final = "%Y-%m-%dT%H-%M-%SZ"
"""The time in a name, in UTC. Names sort by it, and have no colon, which some file systems do not allow."""
STAMP_PATTERN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", re.ASCII)

logger = structlog.get_logger()


@frozen
class BackupFolder:
    """The backups at `path` of a log whose file is named `log_name`, such as chatr-2026-11-28T10-00-00Z.db."""

    path: Path
    log_name: Path

    @classmethod
    @contextmanager
    def locked(cls, path: Path, log: Path) -> Iterator[Self]:
        """Create the folder if it is missing, and hold it for this process. Raises CommandError."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise CommandError(f"{path} cannot be the folder of the backups: {error.strerror}.") from error
        try:
            # Two would delete each other's unfinished files. The kernel releases the lock when the process ends.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(f"Another chatr backup writes to {path}: give each log a folder of its own.") from error
        except OSError as error:
            # NFS, for example, locks no folder. What this prevents is a mistake, which is no reason to make no backup.
            logger.warning("backup_folder_not_locked", reason=str(error))
        try:
            yield cls(path, Path(log.name))
        finally:
            os.close(descriptor)

    def file_at(self, seconds: float) -> Path:
        """Return the path of a backup that begins at this time, in seconds since 1970."""
        stamp = datetime.fromtimestamp(seconds, UTC).strftime(STAMP)
        return self.path / f"{self.log_name.stem}-{stamp}{self.log_name.suffix}"

    def backups(self) -> dict[Path, float]:
        """Return the files that are named as backups of this log, newest first, with their times. Raises OSError."""
        named = {path: self._time_of(path.name) for path in self.path.iterdir() if path.is_file()}
        # A symbolic link was made by somebody else, and may lead to a backup that is not to be deleted.
        ours = {path: at for path, at in named.items() if at is not None and not path.is_symlink()}
        return dict(sorted(ours.items(), key=lambda each: each[1], reverse=True))

    def _time_of(self, name: str) -> float | None:
        prefix, suffix = f"{self.log_name.stem}-", self.log_name.suffix
        stamp = name.removeprefix(prefix).removesuffix(suffix)
        if name != f"{prefix}{stamp}{suffix}" or not STAMP_PATTERN.fullmatch(stamp):
            return None
        with suppress(ValueError):  # no month has a day 32
            return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp()
        return None

    def remove_unfinished(self) -> None:
        """Delete what earlier processes left that were killed while they wrote a backup."""
        try:
            for partial in self.path.glob("*.part"):
                name = partial.name.rsplit(".", 2)[0]
                if self._time_of(name) is not None:
                    remove_partial_files(self.path / name)
        except OSError as error:
            logger.warning("unfinished_backup_not_deleted", reason=str(error))

    def delete_older(self, newest: Path, keep: int) -> None:
        """Delete backups of the same log as `newest`, the one just written, until only the `keep` newest are left.

        What cannot be deleted is logged: the new backup is there all the same.
        """
        log_id = first_record_id(newest)
        try:
            # After a clock stepped back, older files have later times: the one just written stays nevertheless.
            others = [path for path in self.backups() if path != newest and is_backup_of(path, log_id)]
            for path in others[keep - 1 :]:
                path.unlink()
        except OSError as error:
            logger.warning("old_backup_not_deleted", reason=str(error))


def is_backup_of(path: Path, log_id: str | None) -> bool:
    """Return whether the file at `path` is a backup of this log that no server has ever been started on."""
    # A server leaves its lock file. What it serves is a log, and not a backup any more.
    return not Path(f"{path}.lock").exists() and first_record_id(path) == log_id


def first_record_id(path: Path) -> str | None:
    """Return the id of the first record in a backup, which is that of its log; None if the file is no such log."""
    with suppress(sqlite3.Error):
        return last_position_and_id_at(path, 1)[1] or ""
    return None
