"""chatr say, reply, ask, check-in, wait, tail and who, in a real room."""

import io
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Thread

import pytest

from chatr.client import BlockingRoom
from tests.cli.conftest import Chatr, StartChatr
from tests.cli.room.conftest import JoinAs

LOADED = (
    "import sys; from chatr.cli.main import main; sys.argv = ['chatr', 'say', 'x', '--room', 'http://localhost']\n"
    "try: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
)
SERVER = {"aiohttp.web", "aiosqlite", "chatr.adapters", "chatr.app", "chatr.codec", "chatr.node", "orjson", "structlog"}


def test_a_message_is_posted_and_printed(chatr: Chatr, join_as: JoinAs) -> None:
    """`say` joins words by spaces, prints the message, and names recipients that are offline."""
    join_as("Bob")
    join_as("Ada")
    said = chatr("say", "Good", "morning, @Bob;", "$(date)")
    posted, absent = said.lines

    assert said.code == 0
    assert posted.startswith("#")
    assert posted.endswith(" Ada: Good morning, @Bob; $(date)")
    assert absent.startswith("-- Bob is offline, last seen 20")


def test_standard_input_is_posted(chatr: Chatr, join_as: JoinAs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With - the text is read from standard input, so that nothing has to be quoted for a shell."""
    join_as("Ada")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"It's `me`\n")))
    (answer,) = chatr("say", "-", "--json").json

    assert answer["message"]["content"] == "It's `me`"


@pytest.mark.parametrize("command", [("say",), ("reply", "1"), ("ask",)], ids=" ".join)
@pytest.mark.parametrize("text", ["x" * 100_000, "é" * 40_000, "\1" * 2_001])
def test_a_text_that_is_too_long_names_the_limit(
    chatr: Chatr, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], text: str
) -> None:
    """The sentence names the limit of a message, and not that of a request."""
    monkeypatch.setenv("CHATR_KEY", "chatr_x")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    result = chatr(*command, "-", "--room", "http://localhost")

    assert result.code == 2
    assert result.err == "chatr: The text is too long: a message has at most 250 characters.\n"


def test_a_reply_names_its_target(chatr: Chatr, join_as: JoinAs) -> None:
    """`reply` accepts an id with #, and --automatic marks the message."""
    join_as("Ada")
    (asked,) = chatr("say", "Who?", "--json").json
    target = asked["message"]["id"]

    assert f" Ada ↩{target}: I." in chatr("reply", f"#{target}", "I.").out
    assert f" Ada ↩{target} auto: I." in chatr("reply", target, "I.", "--automatic").out


def test_an_error_of_the_room_is_one_sentence(chatr: Chatr, join_as: JoinAs) -> None:
    """A post that the rules reject prints one sentence to standard error and ends with exit code 1."""
    join_as("Ada")
    result = chatr("say", "see https://example.com")

    assert (result.code, result.out) == (1, "")
    assert result.err == "chatr: Unverified agents cannot post URLs. Verify on Moltbook first!\n"


@pytest.mark.long
def test_no_server_module_is_loaded() -> None:
    """`chatr say` imports the client and none of the server's modules, so that it starts as fast as it can."""
    printed = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True, text=True).stdout
    loaded = set(printed.split())

    assert ("chatr.client.room" in loaded, loaded & SERVER) == (True, set())


@pytest.mark.parametrize(
    "arguments", [("say",), ("reply", "x", "text"), ("say", "x", "--room", "nowhere")], ids=" ".join
)
def test_wrong_use_is_exit_code_2(chatr: Chatr, arguments: tuple[str, ...]) -> None:
    """Wrong use ends with exit code 2 and a sentence that points to --help."""
    result = chatr(*arguments)

    assert (result.code, "--help" in result.err) == (2, True)


def test_a_question_prints_its_first_reply(chatr: Chatr, url: str, join_as: JoinAs) -> None:
    """`ask` prints the first reply of another agent to its message, and nothing else."""
    join_as("Ada")
    with BlockingRoom(url) as bob:
        bob.register("Bob")
        following = bob.follow("0")

        def answer() -> None:
            question = next(following)
            bob.post("Not a reply")
            bob.post("Fine.", reply_to=question.id)

        answering = Thread(target=answer)
        answering.start()
        asked = chatr("ask", "How are you?", "--timeout", "20s")
        answering.join()

    assert (asked.code, len(asked.lines)) == (0, 1)
    assert asked.out.endswith(": Fine.\n")


@pytest.mark.long
def test_a_question_without_a_reply_fails(chatr: Chatr, join_as: JoinAs) -> None:
    """`ask` ends with exit code 1 if no reply came in time."""
    join_as("Ada")
    result = chatr("ask", "Anybody?", "--timeout", "1s")

    assert (result.code, result.out) == (1, "")
    assert result.err.endswith(" within 1 s.\n")


def test_what_was_printed_is_acknowledged(chatr: Chatr, join_as: JoinAs) -> None:
    """A check-in prints what is new once. With --no-ack it is printed again."""
    join_as("Ada")
    join_as("Bob")
    chatr("say", "Hello @Ada\x1b[2J")
    chatr("say", "Hello @Ada")
    join_as("Ada")
    outputs = [chatr("check-in", *arguments).lines for arguments in (("--no-ack",), (), ())]

    assert [len(lines) for lines in outputs] == [2, 2, 1]
    assert " Bob @you: Hello @Ada" in outputs[1][0]
    assert "left" in outputs[2][0]


def test_a_failed_output_acknowledges_nothing(chatr: Chatr, join_as: JoinAs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check-in whose output cannot be written acknowledges nothing."""

    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

        def fileno(self) -> int:
            return 1

    join_as("Ada")
    join_as("Bob")
    chatr("say", "Hello @Ada")
    join_as("Ada")
    with monkeypatch.context() as patch, suppress(io.UnsupportedOperation):
        patch.setattr("chatr.cli.outcome.discard_output", lambda: None)
        patch.setattr(sys, "stdout", Full())
        chatr("check-in")

    assert "Hello @Ada" in chatr("check-in").out


def test_waiting_ends_with_what_is_addressed(chatr: Chatr, url: str, join_as: JoinAs) -> None:
    """`wait` prints a message that is addressed to the agent, and does not acknowledge it."""
    join_as("Ada")
    (said,) = chatr("say", "Hello", "--json").json
    with BlockingRoom(url) as bob:
        bob.register("Bob")

        def answer() -> None:
            # Ada is online from her first check-in on, and her stream begins there.
            bob.post("To nobody")
            bob.post("Hello, too", reply_to=said["message"]["id"])

        answering = Thread(target=answer)
        answering.start()
        waited = chatr("wait", "--timeout", "30s")
        answering.join()

    assert (waited.code, len(waited.lines)) == (0, 1)
    assert "Hello, too" in waited.out
    assert "Hello, too" in chatr("check-in").out


@pytest.mark.long
def test_waiting_in_vain_fails(chatr: Chatr, join_as: JoinAs) -> None:
    """`wait` exits with 1 after --timeout; a plain number is seconds."""
    join_as("Ada")
    result = chatr("wait", "--timeout", "1")

    assert (result.code, result.err) == (1, "chatr: Nothing was addressed to you within 1 s.\n")


def test_the_newest_messages_are_printed(chatr: Chatr, url: str, join_as: JoinAs) -> None:
    """`tail` needs no key in an open room; in a pipe each message is one line."""
    join_as("Ada")
    for text in ("one", "two\nlines", "three"):
        chatr("say", text)

    assert [line.partition(": ")[2] for line in chatr("tail", "--no-follow", "--last", "2").lines] == [
        "two⏎lines",
        "three",
    ]
    assert [each["content"] for each in chatr("tail", "--no-follow", "--last", 1, "--json", "--room", url).json] == [
        "three"
    ]


def test_messages_are_found_by_their_words(chatr: Chatr, url: str, join_as: JoinAs) -> None:
    """`search` prints the newest messages with all words, and says how to get more."""
    join_as("Ada")
    for text in ("A red fox", "A blue fox", "The fox is red"):
        chatr("say", text)

    assert [line.partition(": ")[2] for line in chatr("search", "red", "fox").lines] == ["A red fox", "The fox is red"]
    newest, more = chatr("search", "fox", "--limit", 1, "--room", url).lines
    assert newest.endswith(": The fox is red")
    assert [line.partition(": ")[2] for line in chatr("search", "fox", "--before", more.split()[-1]).lines] == [
        "A red fox",
        "A blue fox",
    ]
    nothing = chatr("search", "hound")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "chatr: No message has all of these words.\n")


def test_a_search_is_narrowed(chatr: Chatr, join_as: JoinAs) -> None:
    """`search` takes an agent and times; what is no time is an error of the command."""
    join_as("Bob")
    join_as("Ada")
    chatr("say", "A red fox")
    found = [chatr("search", "fox", *more) for more in (("--from", "ada"), ("--since", "2000-01-01"))]
    nothing = [
        chatr("search", "fox", *more).err
        for more in (("--from", "Bob"), ("--until", "2000-01-01T12:00+02:00"), ("--since", "9000-01-01T12:00"))
    ]

    assert [line.partition(": ")[2] for result in found for line in result.lines] == ["A red fox"] * 2
    assert nothing == [
        "chatr: No message of Bob has all of these words.\n",
        "chatr: No message of this time has all of these words.\n",
        "chatr: No message of this time has all of these words.\n",
    ]
    assert chatr("search", "fox", "--since", "yesterday").code == 2


@pytest.mark.long
def test_messages_are_printed_as_they_come(start_chatr: StartChatr, chatr: Chatr, url: str, join_as: JoinAs) -> None:
    """`tail` prints each message at once, and ends quietly with 130 at Ctrl-C."""
    join_as("Ada")
    chatr("say", "before")
    tail = start_chatr("tail", "--last", "1", "--room", url)
    assert tail.stdout is not None
    first = tail.stdout.readline()
    chatr("say", "after")
    second = tail.stdout.readline()
    tail.send_signal(signal.SIGINT)
    _, errors = tail.communicate()

    assert (first[-8:], second[-7:], tail.returncode, errors) == (" before\n", " after\n", 130, "")


@pytest.mark.long
def test_a_closed_pipe_ends_tail_quietly(start_chatr: StartChatr, chatr: Chatr, url: str, join_as: JoinAs) -> None:
    """`tail | head` ends without an error when `head` has closed the pipe."""
    join_as("Ada")
    chatr("say", "before")
    tail = start_chatr("tail", "--last", "1", "--room", url)
    assert tail.stdout is not None
    tail.stdout.readline()
    tail.stdout.close()
    chatr("say", "after")

    assert (tail.wait(), tail.stderr.read() if tail.stderr else None) == (141, "")


def test_agents_are_listed(chatr: Chatr, join_as: JoinAs) -> None:
    """`who` lists the agents that are online. It shows one by its name, an unknown one is an error, or finds some."""
    for name in ("Bob", "Ada"):
        join_as(name)
        chatr("say", "Hello")
    names = [line.split()[0] for line in chatr("who").lines]

    assert names == ["NAME", "Ada", "Bob"]
    assert [each["name"] for each in chatr("who", "bob", "--json").json] == ["Bob"]
    assert chatr("who", "Cleo").code == 1
    assert [each["name"] for each in chatr("who", "--find", "D", "--json").json] == ["Ada"]
    assert chatr("who", "--find", "x").err == "chatr: No agent has this part in its name.\n"


def test_an_empty_room_is_named(chatr: Chatr, url: str) -> None:
    """Where nobody is online and nothing was posted, `who` and `tail` say so on standard error."""
    results = [chatr(*command, "--room", url) for command in (("who",), ("tail", "--no-follow"))]

    assert [(each.code, each.out, each.err) for each in results] == [
        (0, "", "chatr: Nobody is online.\n"),
        (0, "", "chatr: No message has been posted yet.\n"),
    ]
