"""What `chatr watch` does with a message: the command, its failures, and the reply."""

import os
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chatr.cli.commands.room import handling as handling_module
from chatr.cli.commands.room.automatic_reply import shortened, without_control_characters
from chatr.cli.commands.room.chosen_room import ChosenRoom
from chatr.cli.commands.room.command_run import MessageCommand
from chatr.cli.commands.room.handling import HourlyLimit, MessageHandler
from chatr.cli.commands.room.watch import environment_of_command, program_of
from chatr.cli.errors import CommandError
from chatr.client import Room as ClientRoom
from chatr.domain.limits import SECOND, Limit
from chatr.wire import Message
from tests.cli.room.conftest import room_in_thread
from tests.conftest import NO_RATE_LIMIT, OpenRoom

HOSTILE = "@Ada $(touch ran) `touch ran`; touch ran | sh && 'x' \"y\" \\ %s\n#!/bin/sh\ntouch ran"


@pytest.fixture
async def rooms(open_room: OpenRoom) -> AsyncIterator[tuple[ClientRoom, ClientRoom]]:
    """The clients of Ada, who watches, and of Bob."""
    room = await open_room(rate_unverified=NO_RATE_LIMIT)
    async with ClientRoom(room.running.url) as ada, ClientRoom(room.running.url) as bob:
        await ada.register("Ada")
        await bob.register("Bob")
        yield ada, bob


Handle = Callable[..., MessageHandler]


@pytest.fixture
def handle(rooms: tuple[ClientRoom, ClientRoom], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Handle:
    """Makes a function that handles Ada's messages with a shell script as the command."""
    monkeypatch.setattr(handling_module, "RETRY_PAUSES", [0, 0])
    monkeypatch.chdir(tmp_path)

    def make(script: str, *, replies: bool = True, timeout: float = 20) -> MessageHandler:
        command = MessageCommand(["sh", "-c", script], os.environ, timeout, reads_output=replies)
        return MessageHandler(rooms[0], "Ada", command, HourlyLimit(100, 3600), replies=replies)

    return make


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def lines_of(name: str) -> list[str]:
    return Path(name).read_text().splitlines()


async def replies_to(room: ClientRoom, message: Message) -> list[tuple[str, bool]]:
    """The texts of the replies to a message, and whether they are automatic."""
    return [(each.content, each.automatic) for each in (await room.messages(reply_to=message.id)).messages]


async def test_the_output_is_the_reply(rooms: tuple[ClientRoom, ClientRoom], handle: Handle) -> None:
    """The command gets the message as JSON and in variables; its output is posted as an automatic reply."""
    message = (await rooms[1].post("@Ada Hi")).message
    await handle('printf "%s %s: " $CHATR_MESSAGE_ID "$CHATR_MESSAGE_FROM"; grep -o "@Ada Hi"').handle(message)

    assert await replies_to(rooms[1], message) == [(f"{message.id} Bob: @Ada Hi", True)]


async def test_a_hostile_message_runs_nothing(
    rooms: tuple[ClientRoom, ClientRoom], handle: Handle, tmp_path: Path
) -> None:
    """No part of a message reaches a shell or a command line."""
    message = (await rooms[1].post(HOSTILE)).message
    await handle('printf %s "$CHATR_MESSAGE_CONTENT"').handle(message)

    assert await replies_to(rooms[1], message) == [(HOSTILE, True)]
    assert files_in(tmp_path) == []


async def test_no_output_is_no_reply(rooms: tuple[ClientRoom, ClientRoom], handle: Handle) -> None:
    """A command that prints nothing posts no reply."""
    message = (await rooms[1].post("@Ada Hi")).message
    await handle("echo; echo").handle(message)

    assert await replies_to(rooms[1], message) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "signal 9"),
        pytest.param("sleep 60 & sleep 60", "it ran for more than 0.2 s", marks=pytest.mark.long),
    ],
)
async def test_a_command_that_fails_is_run_three_times(
    rooms: tuple[ClientRoom, ClientRoom], handle: Handle, capfd: pytest.CaptureFixture[str], script: str, reason: str
) -> None:
    """A command is run three times if it fails; then its message is skipped, with a line on standard error."""
    message = (await rooms[1].post("@Ada Hi")).message
    await handle(f"echo run >>runs; echo half an answer; {script}", timeout=0.2 if "sleep" in script else 20).handle(
        message
    )
    again = f"chatr: #{message.id} from Bob: the command failed ({reason}); again in 0 s.\n"

    assert lines_of("runs") == ["run"] * 3
    assert capfd.readouterr().err == (
        again * 2 + f"chatr: #{message.id} from Bob: the command failed ({reason}); the message is passed over.\n"
    )
    assert await replies_to(rooms[1], message) == []


async def test_a_reply_that_the_rules_refuse_is_reported(
    rooms: tuple[ClientRoom, ClientRoom], handle: Handle, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reply that the rules reject is reported with the room's sentence, and the next message is handled."""
    message = (await rooms[1].post("@Ada Hi")).message
    await handle("echo see https://example.com").handle(message)

    assert capsys.readouterr().err.startswith(
        f"chatr: #{message.id} from Bob: the room refuses the reply: Unverified agents cannot post URLs."
    )


@pytest.mark.long
async def test_a_reply_waits_for_the_rate_limit(handle: Handle) -> None:
    """A reply waits until the rate limit of the agent allows it."""
    with room_in_thread(rate_unverified=Limit(1, SECOND)) as url:
        async with ClientRoom(url) as ada, ClientRoom(url) as bob:
            await ada.register("Ada")
            await bob.register("Bob")
            message = (await bob.post("@Ada Hi")).message
            await ada.post("This is my message of this second")
            handling = handle("echo Later")
            handling.room = ada
            await handling.handle(message)

            assert await replies_to(bob, message) == [("Later", True)]


async def test_a_message_is_not_answered_twice(rooms: tuple[ClientRoom, ClientRoom], handle: Handle) -> None:
    """After a restart, `watch` neither runs the command for a message that has its reply, nor replies again."""
    message = (await rooms[1].post("@Ada Hi")).message
    for number in (1, 2):
        await handle(f"echo {number} | tee -a runs").handle(message)

    assert (await replies_to(rooms[1], message), lines_of("runs")) == ([("1", True)], ["1"])


async def test_another_text_does_not_double_a_reply(rooms: tuple[ClientRoom, ClientRoom], handle: Handle) -> None:
    """A second run that prints another text posts nothing: the idempotency key follows from the message."""
    first, message = [(await rooms[1].post(text)).message for text in ("@Ada first", "@Ada Hi")]
    for number in (1, 2):
        handling = handle(f"echo {number}")
        await handling.handle(first)
        await handling.handle(message)

    assert await replies_to(rooms[1], message) == [("1", True)]


async def test_automatic_replies_end_after_three(
    rooms: tuple[ClientRoom, ClientRoom], handle: Handle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two programs that answer each other stop after three replies. A message by hand starts the count again."""
    ada, bob = rooms
    message = (await bob.post("@Ada Hi")).message
    for sender in (ada, bob, ada):
        message = (await sender.post("I say", reply_to=message.id, automatic=True)).message
    await handle("echo never").handle(message)
    by_hand = (await bob.post("Stop that", reply_to=message.id)).message
    await handle("echo Sorry").handle(by_hand)

    assert await replies_to(bob, message) == [("Stop that", False)]
    assert "number 3 of automatic replies in a row" in capsys.readouterr().err
    assert await replies_to(bob, by_hand) == [("Sorry", True)]


async def test_a_flood_of_output_is_cut(rooms: tuple[ClientRoom, ClientRoom], handle: Handle) -> None:
    """Output is read to its end, and cut to the length of a message."""
    message = (await rooms[1].post("@Ada Hi")).message
    await handle("head -c 300000 /dev/zero | tr '\\0' x").handle(message)

    assert await replies_to(rooms[1], message) == [("x" * 249 + "…", True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("x" * 250, "x" * 250),
        ("x" * 251, "x" * 249 + "…"),
        ("word " * 60, "word " * 49 + "word…"),
        ("語" * 300, "語" * 249 + "…"),
        ("a " + "x" * 300, "a " + "x" * 247 + "…"),
        ("x" * 245 + " words", "x" * 245 + "…"),
    ],
)
def test_long_texts_are_cut_at_a_word(text: str, expected: str) -> None:
    """A text that is too long ends with an ellipsis, after a word if its second half has a space."""
    assert shortened(text.strip()) == expected


def test_output_is_posted_without_its_colours() -> None:
    """Terminal sequences and control characters are removed from a reply."""
    assert without_control_characters("\x1b[1;31mred\x1b[0m\r\nbell\x07\ttab\n") == "red\nbell\ttab"


def test_the_hourly_limit_delays() -> None:
    """A run waits while as many runs as the limit have begun within the window before it."""
    limit = HourlyLimit(2, 3600)

    assert [limit.pause(now) for now in (0, 10, 20, 3600, 7300)] == [0, 0, 3580, 10, 0]


@pytest.mark.parametrize(
    ("replies", "in_use", "expected"), [(True, "mine", None), (False, "mine", "mine"), (False, "other", None)]
)
def test_a_command_gets_a_key_only_if_it_needs_one(replies: bool, in_use: str, expected: str | None) -> None:
    """With --reply the command gets no key, and it never gets the key of another room."""
    environment = environment_of_command(ChosenRoom("http://x", in_use), {"CHATR_KEY": "mine"}, replies=replies)

    assert (environment.get("CHATR_KEY"), environment["CHATR_URL"]) == (expected, "http://x")


def test_the_command_line_is_split_without_a_shell() -> None:
    """Quotes group words, and nothing is expanded. A program that does not exist is wrong use."""
    assert program_of(shlex.join([sys.executable, "$HOME", "a b; c"])) == [sys.executable, "$HOME", "a b; c"]
    for line in ("", "no-such-program x", "'"):
        with pytest.raises(CommandError, match="--exec: "):
            program_of(line)
