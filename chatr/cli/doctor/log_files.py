"""Checks who may read and write the files of a SQLite log."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.files import beside, stat_or_none
from chatr.cli.doctor.check import Check, ok, problem, warning

NAME: Final = "file rights"
SUFFIXES: Final = ("", "-wal", "-shm", ".head", ".checkpoint", ".lock", ".search", ".search-wal")
"""The files of a log: the database, and what the server keeps beside it."""
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_file_rights(log: Path) -> Iterator[Check]:
    """Yield which files of the log are open to other users, or belong to different ones."""
    files = {beside(log, suffix): stat_or_none(beside(log, suffix)) for suffix in SUFFIXES}
    # What is no file, such as a device, is reported where the log is opened; nobody should change its mode.
    existing = {path: status for path, status in files.items() if status and stat.S_ISREG(status.st_mode)}
    if not existing:
        return
    found = [*open_to_others(existing), *owned_by_others(existing), *open_folder(log)]
    yield from found or [ok(NAME, "Only the owner of the log may read and write it.")]


def open_to_others(files: dict[Path, os.stat_result]) -> Iterator[Check]:
    """Yield the files that other users may use. Verification codes and digests of keys are in them."""
    paths = [path for path, status in files.items() if status.st_mode & OTHERS]
    if paths:
        names = " ".join(map(str, paths))
        yield problem(
            NAME,
            f"Other users of this machine may use {', '.join(each.name for each in paths)}.",
            f"Run chmod 600 {names}",
        )


def owned_by_others(files: dict[Path, os.stat_result]) -> Iterator[Check]:
    """Yield the files that belong to another user than most: a command that was run as root may have made them."""
    owners = {status.st_uid for status in files.values()}
    if len(owners) > 1:
        found = "The files of the log belong to different users, so the server may not be able to write all of them."
        yield problem(NAME, found, f"Give them to the user of the server, with chown: {' '.join(map(str, files))}")


def open_folder(log: Path) -> Iterator[Check]:
    """Yield whether other users may replace the files, because they may write to their folder."""
    status = stat_or_none(beside(log, "").parent)
    # In a folder with the sticky bit, such as /tmp, files can be replaced by their owners only.
    if status and status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        found = f"Every user of this machine may replace the log, because {beside(log, '').parent} is open to them."
        yield warning(NAME, found, f"Run chmod o-w {beside(log, '').parent}")
