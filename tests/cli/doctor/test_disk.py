"""The disk of a log: file systems on which a log does not last, and how long its free space does."""

from pathlib import Path

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.cli.doctor.disk import check_file_system, check_names, judged_space, last_position_before
from chatr.testing.contract.steps import new_draft

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - {root} /dev/sda1 rw
23 22 0:21 / /proc rw,relatime - proc proc rw
24 22 0:40 / /mnt/room rw,relatime shared:3 master:4 - {mounted} source rw
25 22 0:41 / /mnt/a\\040disk rw - xfs /dev/sdb1 rw
26 22 0:42 / /srv rw - ext4 /dev/sdc1 rw
27 22 0:43 / /srv rw - nfs4 server:/srv rw
"""
MB = 1_000_000


@pytest.mark.parametrize(
    ("path", "root", "mounted", "status", "text"),
    [
        ("/var/lib/chatr.db", "ext4", "ext4", "ok", "on ext4"),
        ("/var/lib/chatr.db", "overlay", "ext4", "problem", "together with the container"),
        ("/mnt/room/chatr.db", "overlay", "ext4", "ok", "on ext4"),
        ("/mnt/room/chatr.db", "ext4", "nfs4", "problem", "locks and shared memory fail"),
        ("/mnt/room/chatr.db", "ext4", "fuse.sshfs", "problem", "locks and shared memory fail"),
        ("/mnt/room/chatr.db", "ext4", "tmpfs", "problem", "lost when this machine stops"),
        ("/mnt/room/chatr.db", "ext4", "exfat", "warning", "keeps no rights"),
        ("/mnt/roomier/chatr.db", "btrfs", "nfs4", "ok", "on btrfs"),
        ("/mnt/a disk/chatr.db", "ext4", "nfs4", "ok", "on xfs"),
        ("/srv/chatr.db", "ext4", "ext4", "problem", "is on nfs4"),
    ],
)
def test_file_systems_are_judged(
    path: str, root: str, mounted: str, status: str, text: str, list_of_mounts: Path
) -> None:
    """The innermost mount decides, and of two at one point the later one."""
    list_of_mounts.write_text(MOUNTS.format(root=root, mounted=mounted))
    (check,) = check_file_system(Path(path))

    assert (check.status, text in check.found) == (status, True), check


def test_without_a_list_of_mounts_nothing_is_found(list_of_mounts: Path) -> None:
    """Only Linux has the list."""
    list_of_mounts.unlink()

    assert list(check_file_system(Path("/chatr.db"))) == []


@pytest.mark.parametrize(
    ("free", "size", "daily", "status", "text"),
    [
        (10_000 * MB, 100 * MB, 10 * MB, "ok", "10,000 MB are free"),
        (10_000 * MB, 100 * MB, 0, "ok", "grew 0 MB a day"),
        (99 * MB, 10 * MB, 0, "problem", "99 MB are free"),
        (1_000 * MB, 10 * MB, 600 * MB, "problem", "grew 600 MB a day"),
        (1_000 * MB, 10 * MB, 100 * MB, "warning", "lasts for 10 days"),
        (1_000 * MB, 2_000 * MB, 10 * MB, "warning", "no room for a backup"),
    ],
)
def test_free_space_is_compared_with_the_growth(free: int, size: int, daily: int, status: str, text: str) -> None:
    """Space for less than two days is a problem; for less than a month, or for no backup, a warning."""
    check = judged_space(free, size, daily)

    assert (check.status, text in check.found) == (status, True), check


async def test_the_growth_is_that_of_the_newest_records() -> None:
    """The last record before a moment is found with few reads, also where there is none."""
    log = MemoryLog()
    for at in range(100):
        await log.append(evolve(new_draft(), at=at), expected=0)

    assert [await last_position_before(log, 100, time) for time in (0, 1, 50, 99, 1_000)] == [0, 1, 50, 99, 100]
    assert await last_position_before(MemoryLog(), 0, 5) == 0


def test_a_log_with_two_names_is_a_problem(tmp_path: Path) -> None:
    """New records are in a -wal file beside only one of the names."""
    log = tmp_path / "chatr.db"
    log.touch()
    assert list(check_names(log)) == []
    log.with_name("other.db").hardlink_to(log)
    (check,) = check_names(log)

    assert (check.status, "2 names" in check.found) == ("problem", True)
