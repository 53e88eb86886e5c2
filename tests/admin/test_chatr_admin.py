"""`chatr admin` on a SQLite file: through the socket of a running node, and without one."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chatr.admin.socket_file import CannotOpenSocket
from chatr.app import RunningRoom, running_room
from chatr.cli.commands.admin.table import ADMIN_COMMANDS
from chatr.cli.execution import USAGE_ERRORS
from chatr.codec import decode
from chatr.domain.keys import hash_key
from chatr.settings import Settings
from tests.admin.conftest import OperatorsCommand
from tests.cli.conftest import LogFile
from tests.cli.steps import stored_records

ISO = "2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z"
STORY = [
    (("suspend", "bob", "--for", "7d", "--reason", "spam"), rf"Bob is suspended until {ISO} \(record #\)\."),
    (("suspend", "Bob", "--reason", "spam"), r"Bob is suspended for ever \(record #\)\."),
    (("suspend", "Bob", "--reason", "spam"), r"Bob is suspended for ever already\."),
    (("reinstate", "Bob", "--reason", "sorry"), r"Bob is reinstated \(record #\)\."),
    (("reinstate", "Bob"), r"Bob is not suspended\."),
    (("approve", "Bob"), r"Bob is approved \(record #\)\."),
    (("withdraw", "Bob", "--reason", "sold"), r"Bob has lost its approval \(record #\)\."),
    (("withdraw", "Bob", "--reason", "sold"), r"Bob has neither approval nor badge\."),
    (("withdraw", "Ada", "--reason", "sold"), r"Ada has lost its badge \(record #\)\."),
    (("remove", "5", "6", "--reason", "rude"), r"Message 5 of Ada .*\(record #\)\.\nMessage 6 of Bob .*\(record #\)\."),
    (("restore", "5"), r"Message 5 of Ada is shown again \(record #\)\."),
    (
        ("remove", "--agent", "Ada", "--since", "2026-01-01", "--reason", "rude"),
        r"2 messages of Ada: 2 removed, 0 removed before\.",
    ),
    (("restore", "--agent", "Ada", "--since", "2026-01-01"), r"2 messages of Ada: 2 shown again, 0 not removed\."),
    (
        ("erase", "message", "5", "6", "--reason", "private"),
        r"2 messages: 2 erased for ever, 0 erased before\.\nThe texts are gone .*",
    ),
    (
        ("erase", "agent", "ada", "--reason", "private"),
        r"2 messages of Ada: 1 erased for ever, 1 erased before\.\nThe texts are gone .*",
    ),
    (("register", "Cyd", "--avatar", "🦀"), r"Cyd is registered with this key \(record #\):\nchatr_\w{36}"),
    (("key", "Ada", "--grace", "0"), r"Ada has a new key, .* 0 s after its first use \(record #\):\nchatr_\w{36}"),
    (("revoke-key", "Ada"), r"A key of Ada is void \(record #\)\.\nA key of Ada is void \(record #\)\."),
    (("revoke-key", "Ada"), r"No key opens Ada\."),
    (("close", "--reason", "late"), r"The room is closed \(record #\)\."),
    (("open",), r"The room is open \(record #\)\."),
    (("open", "--dry-run"), r"The room is open already\."),
]
"""Commands in their order, each with what it prints. # is the position of a record."""
OpenRoom = Callable[..., Awaitable[RunningRoom]]


@pytest.fixture
async def open_room(log_file: LogFile) -> AsyncIterator[OpenRoom]:
    """Opens a room on the log in the test's loop, with the socket beside it unless the settings say otherwise."""
    async with AsyncExitStack() as stack:

        async def open_one(**settings: Any) -> RunningRoom:
            context = running_room(Settings(**{"log": log_file.url, "port": 0, **settings}))
            return await stack.enter_async_context(context)

        yield open_one


@pytest.fixture
def foreign_file(socket_path: Path) -> Path:
    """A file at the place of the socket."""
    socket_path.write_text("precious")
    return socket_path


@pytest.mark.parametrize(
    "with_node", [True, pytest.param(False, marks=pytest.mark.long)], ids=["through the socket", "without a node"]
)
async def test_every_command_says_what_it_did(
    admin: OperatorsCommand, open_room: OpenRoom, log_file: LogFile, with_node: bool
) -> None:
    """Each command prints what was done, with the record, or that it was so already, and exits with 0."""
    if with_node:
        await open_room()
    for arguments, expected in STORY:
        result = await admin(*arguments, "--log", log_file.url)

        assert (result.code, result.err) == (0, "")
        assert re.fullmatch(expected.replace("#", "[0-9]+"), result.out.rstrip("\n")), result.out


def test_every_command_is_in_the_story() -> None:
    """Whoever adds a command adds what it prints."""
    assert {arguments[0] for arguments, _ in STORY} == ADMIN_COMMANDS.keys()


@pytest.mark.parametrize("with_node", [True, False], ids=["through the socket", "without a node"])
async def test_a_command_stores_one_record(
    admin: OperatorsCommand, open_room: OpenRoom, log_file: LogFile, with_node: bool
) -> None:
    """The record that the JSON names is the last of the log, with the operator and the reason."""
    if with_node:
        await open_room()
    result = await admin("remove", "5", "--reason", "rude", "--json", "--log", log_file.url)
    (change,) = result.json
    last = (await asyncio.to_thread(stored_records, log_file.path))[-1]

    assert (last.position, last.type) == (change["record"], "message-removed.v1")
    assert (change["type"], change["message"], change["agent"]) == ("message-removed", "5", "Ada")
    assert getattr(decode(last).event, "by", "") == change["by"] == "olga"


async def test_a_dry_run_leaves_the_log_as_it_is(admin: OperatorsCommand, log_file: LogFile) -> None:
    """With --dry-run a command says what would be done, and no record is added."""
    result = await admin("suspend", "Bob", "--reason", "spam", "--dry-run", "--log", log_file.url)

    assert (result.code, result.out) == (0, "Bob would be suspended for ever.\n")
    assert len(await asyncio.to_thread(stored_records, log_file.path)) == 10


async def test_a_new_key_opens_its_agent(admin: OperatorsCommand, open_room: OpenRoom, log_file: LogFile) -> None:
    """The key that is printed is that of the agent, and its field in the JSON is apiKey."""
    room = await open_room()
    printed = (await admin("register", "Cyd", "--log", log_file.url)).lines[-1]
    (change,) = (await admin("key", "Cyd", "--json", "--log", log_file.url)).json
    digests = room.node.room.agent_named("Cyd").key_digests

    assert digests == (hash_key(printed), hash_key(change["apiKey"]))


async def test_no_key_is_in_the_log(admin: OperatorsCommand, log_file: LogFile) -> None:
    """Nothing that is stored contains the new key."""
    key = (await admin("key", "Ada", "--log", log_file.url)).lines[-1]
    files = [path.read_bytes() for path in log_file.path.parent.iterdir() if path.is_file()]

    assert len(key) == 42
    assert [content for content in files if key.encode() in content] == []


async def test_a_removal_can_be_piped(admin: OperatorsCommand, open_room: OpenRoom, log_file: LogFile) -> None:
    """With --json the number of removed messages is an object on one line."""
    await open_room()
    arguments = ("remove", "--agent", "Bob", "--since", "2026-01-01T00:00+02:00", "--reason", "x", "--json")
    result = await admin(*arguments, "--log", log_file.url)

    assert result.json == [
        {
            "kind": "counts",
            "type": "message-removed",
            "agent": "Bob",
            "dryRun": False,
            "found": 1,
            "changed": 1,
            "already": 0,
            "erased": 0,
        }
    ]


def mode_of(path: Path) -> int | None:
    """The rights of a file; None if there is none."""
    return path.lstat().st_mode & 0o777 if path.exists() else None


async def test_the_socket_is_private_and_removed_at_the_end(log_file: LogFile, socket_path: Path) -> None:
    """A room on a SQLite file has a socket beside it while it is open, which only its user may use."""
    async with running_room(Settings(log=log_file.url, port=0)):
        mode = mode_of(socket_path)

    assert (mode, mode_of(socket_path)) == (0o600, None)


async def test_a_room_in_memory_may_have_a_socket(
    admin: OperatorsCommand, open_room: OpenRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other stores have a socket only where --admin-socket, or the variable of that name, has its path."""
    monkeypatch.setenv("CHATR_ADMIN_SOCKET", str(tmp_path / "socket"))
    await open_room(log="memory:", admin_socket=str(tmp_path / "socket"))
    result = await admin("close", "--reason", "late", "--log", "memory:")

    assert result.out == "The room is closed (record 2).\n"


async def test_a_node_that_stops_ends_the_command(
    admin: OperatorsCommand, log_file: LogFile, socket_path: Path
) -> None:
    """A node that is killed before it replies makes the command end with exit code 1 and a sentence."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with await asyncio.start_unix_server(serve, socket_path):
        result = await admin("open", "--log", log_file.url)

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("chatr: The node ended before it had replied: ")


async def test_what_was_done_before_a_failure_is_counted(
    admin: OperatorsCommand, log_file: LogFile, socket_path: Path
) -> None:
    """A bulk command that ends early says how many changes were stored, and how to go on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"kind":"progress","position":5,"end":9,"changed":7}\n{"kind":"failed","error":"Away."}\n')
        writer.close()

    async with await asyncio.start_unix_server(serve, socket_path):
        result = await admin("remove", "--agent", "Ada", "--since", "1h", "--reason", "x", "--log", log_file.url)

    assert (result.code, result.err) == (
        1,
        "chatr: Away. Before that, at least 7 changes had been stored: repeat the command to go on.\n",
    )


async def test_a_room_does_not_start_over_a_foreign_file(open_room: OpenRoom, foreign_file: Path) -> None:
    """A file at the place of the socket ends the start with a sentence and exit code 2."""
    with pytest.raises(CannotOpenSocket) as error:
        await open_room()

    assert str(error.value) == f"{foreign_file} is no socket. Give another path to --admin-socket, or off."
    assert error.type in USAGE_ERRORS
