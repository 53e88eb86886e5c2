"""`chatr admin` where no node listens: it opens the log itself."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.stores.sqlite.lock import locked
from tests.admin.conftest import OperatorsCommand
from tests.cli.conftest import LogFile
from tests.cli.steps import stored_records

NOBODY: Final = 65_534
MESSAGE: Final = re.compile('"content":"([^"]+)"')


@pytest.mark.parametrize(
    ("options", "found"),
    [((), "no node listens at {socket}"), (("--admin-socket", "off"), "the socket of its node is not to be used")],
)
async def test_a_busy_log_without_a_socket_is_one_sentence(
    admin: OperatorsCommand,
    log_file: LogFile,
    socket_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    found: str,
) -> None:
    """If another process has the log and no socket, the command says so instead of waiting for ever."""
    monkeypatch.setattr("chatr.cli.commands.admin.nearest_node.WAIT_FOR_LOG", 0.0)
    with locked(log_file.path):
        result = await admin("open", "--log", log_file.url, *options)

    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"chatr: Another process writes to {log_file.path}, and {found.format(socket=socket_path)}: give the path of "
        "its socket to --admin-socket, wait for it, or stop it.\n"
    )


async def test_operators_without_a_node_wait_for_each_other(admin: OperatorsCommand, log_file: LogFile) -> None:
    """Two commands at the same time, each with a node of its own, are both carried out."""
    results = await asyncio.gather(
        *(admin("remove", each, "--reason", "x", "--log", log_file.url) for each in (5, 6)),
    )

    assert [result.code for result in results] == [0, 0]
    assert len(await asyncio.to_thread(stored_records, log_file.path)) == 12


async def test_the_checkpoint_spares_reading_the_log(admin: OperatorsCommand, log_file: LogFile) -> None:
    """A command without a node starts from the checkpoint of the last one, or of a room, and leaves one."""
    await admin("close", "--reason", "late", "--log", log_file.url)
    log_file.alter("update log set type = 'unknown.v1' where position = 2")
    result = await admin("open", "--log", log_file.url)

    assert (result.code, result.out) == (0, "The room is open (record 12).\n")


async def test_a_newer_schema_is_refused(admin: OperatorsCommand, log_file: LogFile) -> None:
    """A command without a node opens no log that a newer version has migrated."""
    log_file.alter("pragma user_version = 99")
    result = await admin("open", "--log", log_file.url)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("chatr: The log has schema 99; this version of chatr knows")


async def test_nothing_is_adopted_without_a_node(admin: OperatorsCommand, log_file: LogFile) -> None:
    """A command without a node stores its own record, and no limits."""
    await admin("close", "--reason", "late", "--log", log_file.url)
    records = await asyncio.to_thread(stored_records, log_file.path)

    assert [record.type for record in records[10:]] == ["room-closed.v1"]


async def test_an_erased_text_is_in_no_file(admin: OperatorsCommand, log_file: LogFile) -> None:
    """When the command ends, neither the log nor a file beside it holds the text."""
    files = log_file.path.parent
    (text,) = [stored.data for stored in await asyncio.to_thread(stored_records, log_file.path) if stored.position == 5]
    content = MESSAGE.search(text)
    assert content is not None
    result = await admin("erase", "message", "5", "--reason", "It named a person.", "--log", log_file.url)

    assert (result.code, result.out.splitlines()[0]) == (0, "1 message: 1 erased for ever, 0 erased before.")
    assert [file.name for file in files.iterdir() if file.is_file() and content[1].encode() in file.read_bytes()] == []


@pytest.mark.long
async def test_an_erased_text_is_in_no_checkpoint_of_another_name(
    admin: OperatorsCommand, log_file: LogFile, tmp_path: Path
) -> None:
    """A log that is opened by a symbolic link has the checkpoint of its file: otherwise a second one keeps the text."""
    link = tmp_path / "links" / "link.db"
    link.parent.mkdir()
    link.symlink_to(log_file.path)
    await admin("close", "--reason", "late", "--log", f"sqlite:///{link}")
    await admin("erase", "message", "5", "--reason", "It named a person.", "--log", log_file.url)

    assert [file.name for file in link.parent.iterdir()] == ["link.db"]
    assert log_file.path.with_name("chatr.db.checkpoint").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to another user")
async def test_files_beside_a_log_belong_to_its_owner(admin: OperatorsCommand, log_file: LogFile) -> None:
    """After a command of root the server, which runs as another user, can still use its lock, head and checkpoint."""
    os.chown(log_file.path, NOBODY, NOBODY)
    result = await admin("close", "--reason", "late", "--log", log_file.url)
    files = {path.name: path.stat().st_uid for path in log_file.path.parent.glob(f"{log_file.path.name}*")}

    assert result.code == 0
    assert files == {f"{log_file.path.name}{suffix}": NOBODY for suffix in ("", ".lock", ".head", ".checkpoint")}


def put_in_place(path: Path, link: Callable[[Path, Path], None], folder: Path) -> Path:
    """Put a link in the place of a file, and return the file of root to which it leads."""
    secret = folder / "secret"
    secret.touch(mode=0o600)
    path.unlink(missing_ok=True)
    link(secret, path)
    return secret


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to another user")
@pytest.mark.parametrize("suffix", [".lock", ".head", ".checkpoint"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
async def test_no_file_of_root_is_given_away(
    link: Callable[[Path, Path], None], suffix: str, admin: OperatorsCommand, log_file: LogFile, tmp_path: Path
) -> None:
    """The user of a service may have put a link to a file of root in the place of a file beside the log."""
    os.chown(log_file.path, NOBODY, NOBODY)
    secret = put_in_place(Path(f"{log_file.path}{suffix}"), link, tmp_path)
    await admin("close", "--reason", "late", "--log", log_file.url)

    assert secret.stat().st_uid == 0
