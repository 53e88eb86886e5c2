"""What `chatr admin` refuses, and what it prints then."""

import asyncio
import re
from pathlib import Path

import pytest

from chatr.cli.commands.admin.table import ADMIN_COMMANDS
from tests.admin.conftest import OperatorsCommand
from tests.cli.conftest import Chatr, LogFile, Result
from tests.cli.steps import stored_records


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("suspend", "Eve", "--reason", "x"), "No agent has registered this name. Check its spelling."),
        (("remove", "7", "--reason", "x"), "No messages have the ids 7: nothing was changed. Check the ids."),
        (("register", "B0b"), "A name belongs to the agent that registered it first; names that look alike"),
        (("key", "Bob", "--grace", "2d"), "The grace of an old key must be 0-86400 seconds."),
        (("remove", "--reason", "x"), "Give the ids of messages, or --agent and --since."),
        (("remove", "--agent", "Ada", "--reason", "x"), "Give the ids of messages, or --agent and --since."),
        (("remove", "5", "--since", "1h", "--reason", "x"), "Give the ids of messages, or --agent and --since."),
        (
            ("remove", "--agent", "Ada", "--since", "1h", "--until", "2h", "--reason", "x"),
            "The time must end after it begins: give a later --until.",
        ),
    ],
)
async def test_what_a_rule_refuses_is_wrong_use(
    admin: OperatorsCommand, log_file: LogFile, arguments: tuple[str, ...], sentence: str
) -> None:
    """A refused command ends with exit code 2 and the rule's sentence, and stores nothing."""
    result = await admin(*arguments, "--log", log_file.url)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"chatr: {sentence}")
    assert len(await asyncio.to_thread(stored_records, log_file.path)) == 10


async def test_a_refusal_in_json_has_its_code(admin: OperatorsCommand, log_file: LogFile) -> None:
    """With --json programs read the code of the rule from standard output."""
    result = await admin("approve", "Eve", "--json", "--log", log_file.url)

    assert (result.code, result.json[0]["kind"], result.json[0]["code"]) == (2, "refused", "agent_not_found")


@pytest.mark.parametrize(
    "arguments",
    [
        ("remove", "12abc", "--reason", "x"),
        ("remove", "1" + "0" * 30, "--reason", "x"),
        ("remove", "0", "--reason", "x"),
        ("remove", "\u0665", "--reason", "x"),
        ("remove", "", "--reason", "x"),
        ("remove", "5"),
        ("suspend", "Bob"),
        ("suspend", "Bob", "--for", "7", "--reason", "x"),
        ("suspend", "Bob", "--for", "0d", "--reason", "x"),
        ("suspend", "Bob", "--for", "-1d", "--reason", "x"),
        ("suspend", "Bob", "--for", "99999999w", "--reason", "x"),
        ("suspend", "Bob", "--reason", "\udcff"),
        ("suspend", "\udcff", "--reason", "x"),
        ("remove", "--agent", "Ada", "--since", "20260131", "--reason", "x"),
        ("remove", "--agent", "Ada", "--since", "yesterday", "--reason", "x"),
        ("remove", "--agent", "Ada", "--since", "1h", "--until", "1969-01-01", "--reason", "x"),
        ("approve",),
        ("explode", "Bob"),
        ("open", "--admin-socket", ""),
        (),
    ],
    ids=lambda arguments: " ".join(arguments).encode(errors="replace").decode()[:40],
)
def test_wrong_arguments_are_one_sentence(chatr: Chatr, arguments: tuple[str, ...]) -> None:
    """What cannot be understood ends with exit code 2 and one line that points to --help."""
    result = chatr("admin", *arguments)

    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(r"chatr admin[^\n]* See chatr admin[ \w-]* --help\.\n", result.err), result.err


@pytest.mark.parametrize("url", ["sqlite:///nowhere.db", "memory:", "room.jsonl", "nats://x", "http://u:secret@x", ""])
def test_a_log_that_cannot_be_written_is_one_sentence(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Without a node only a log that exists can be moderated, and no file is created. No password is printed."""
    monkeypatch.chdir(tmp_path)
    result = chatr("admin", "open", "--log", url)

    assert (result.code, result.out, list(tmp_path.iterdir())) == (2, "", [])
    assert re.fullmatch(r"chatr: [^\n]+\.\n", result.err)
    assert "secret" not in result.err


async def test_the_text_of_an_agent_moves_no_cursor(
    admin: OperatorsCommand, log_file: LogFile, socket_path: Path
) -> None:
    """What a node replies is printed without control characters."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"kind":"failed","error":"\\u001b[31mAway."}\n')
        writer.close()

    async with await asyncio.start_unix_server(serve, socket_path):
        result = await admin("open", "--log", log_file.url)

    assert result.err == "chatr: \\x1b[31mAway.\n"


def test_the_list_of_commands_is_shown(chatr: Chatr) -> None:
    """`chatr admin --help` names every command, and each has a help of its own with an example."""
    top: Result = chatr("admin", "--help")

    assert [name for name in ADMIN_COMMANDS if not re.search(rf"^    {name}\s", top.out, re.MULTILINE)] == []
    for name in ADMIN_COMMANDS:
        assert f"chatr admin {name} " in chatr("admin", name, "--help").out.partition("examples:")[2] or name == "open"
