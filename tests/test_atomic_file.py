"""New files are complete or absent, also on disks that cannot do everything that ext4 does."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatr.atomic_file import create_atomically, flush_to_disk, replace_atomically
from chatr.ports import CannotOpenLog

REFUSED = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)
"""What file systems without links say to `link`."""
UNFLUSHED = (errno.EINVAL, errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EBADF, errno.ENOSYS)
"""What file systems say that flush no folders."""


def failing(code: int, real: Callable[..., Any], applies: Callable[..., bool] = lambda *_: True) -> Callable[..., Any]:
    """Return a system call that fails with this error code where `applies`."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        if applies(*arguments):
            raise OSError(code, os.strerror(code))
        return real(*arguments, **keywords)

    return call


def is_folder(descriptor: int) -> bool:
    """Return whether a descriptor is that of a folder."""
    return Path(f"/proc/self/fd/{descriptor}").is_dir()


def write(path: Path, content: str = "new") -> None:
    """Create a file."""
    with create_atomically(path) as partial:
        partial.write_text(content)


@pytest.mark.parametrize("code", REFUSED, ids=errno.errorcode.get)
def test_a_disk_without_links(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `link` is refused, as on exFAT, files are created all the same, and none is overwritten."""
    monkeypatch.setattr(os, "link", failing(code, os.link))
    write(tmp_path / "file")
    with pytest.raises(CannotOpenLog, match="exists, and is not overwritten"):
        write(tmp_path / "file", "other")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "new")]


def test_a_file_that_another_process_creates_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without links, too, a file that appears while another is written is not overwritten."""
    monkeypatch.setattr(os, "link", failing(errno.EPERM, os.link))
    writing = create_atomically(tmp_path / "file")
    writing.__enter__().write_text("new")
    (tmp_path / "file").write_text("of another process")
    with pytest.raises(CannotOpenLog, match="exists"):
        writing.__exit__(None, None, None)

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "of another process")]


def test_a_disk_with_neither_links_nor_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot get its name leaves nothing, not even an empty file of that name."""
    for name in ("link", "replace", "rename"):
        monkeypatch.setattr(os, name, failing(errno.EIO, getattr(os, name)))
    with pytest.raises(CannotOpenLog, match="cannot be written: Input/output error"):
        write(tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EEXIST, errno.EPERM, errno.EACCES], ids=errno.errorcode.get)
def test_a_disk_that_renames_over_no_file(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is replaced all the same."""
    monkeypatch.setattr(os, "replace", failing(code, os.replace, lambda _source, target: Path(target).exists()))
    monkeypatch.setattr(os, "link", failing(errno.EPERM, os.link))
    write(tmp_path / "file", "old")
    with replace_atomically(tmp_path / "file") as partial:
        partial.write_text("new")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "new")]


@pytest.mark.parametrize("code", UNFLUSHED, ids=errno.errorcode.get)
def test_a_disk_that_flushes_no_folders(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was written is not reported as one that cannot be written."""
    monkeypatch.setattr(os, "fsync", failing(code, os.fsync, is_folder))
    write(tmp_path / "file")
    with replace_atomically(tmp_path / "file") as partial:
        partial.write_text("newer")

    assert (tmp_path / "file").read_text() == "newer"


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("applies", [is_folder, lambda _: True], ids=["folder", "file"])
def test_a_flush_that_fails(
    code: int, applies: Callable[[int], bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may not be on the disk is reported as not written, and is not there."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(code, os.fsync, applies))
        with pytest.raises(CannotOpenLog, match="cannot be written"):
            write(tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


def test_what_can_be_flushed_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is flushed before the file gets its name, and its name afterwards, also without links."""
    flushed: list[tuple[bool, bool]] = []

    def fsync(descriptor: int) -> None:
        flushed.append((is_folder(descriptor), (tmp_path / "file").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", failing(errno.EPERM, os.link))
    write(tmp_path / "file")

    assert flushed[0] == (False, False)
    assert flushed[-1] == (True, True)


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names in a folder without the right to read it cannot be flushed, which is no error."""
    monkeypatch.setattr(os, "open", failing(errno.EACCES, os.open))
    flush_to_disk(tmp_path)
    with pytest.raises(PermissionError):
        flush_to_disk(tmp_path / "file")
