"""chatr watch in a process of its own: killed at any moment, it answers each message once."""

import asyncio
import os
import shlex
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from attrs import define, field

from chatr.client import Room as ClientRoom
from tests.client.faulty_proxy import Fault, FaultyProxy
from tests.conftest import NO_RATE_LIMIT, OpenRoom

pytestmark = pytest.mark.long
QUESTIONS = ("@Ada one", "@Ada two", "@Ada three")
SCRIPT = 'echo $CHATR_MESSAGE_ID >>runs; sleep 0.2; echo "Answer to $CHATR_MESSAGE_CONTENT at $$"'
KILL_PARENT = f"[ -e killed ] || {{ touch killed; kill -9 $PPID; }}; {SCRIPT}"


@define(eq=False)
class KillingProxy(FaultyProxy):
    """Kills a process when a fault happens, which is planned for a request after the first check-in."""

    planned: Fault | None = None
    kill: Callable[[], None] = lambda: None
    _is_due: bool = False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().accept(reader, writer)
        if self.planned is None:
            return
        if self._is_due and self.planned not in self.faults:
            # Only once: asyncio would take a second signal for the end of the process.
            self.planned = None
            self.kill()
        elif not self._is_due and self.requests[-1].startswith("POST /api/checkin"):
            self._is_due = True
            self.faults.append(self.planned)


@define(eq=False)
class Watching:
    """Starts `chatr watch` for Ada, while Bob posts messages."""

    proxy: KillingProxy
    ada: ClientRoom
    bob: ClientRoom
    folder: Path
    processes: list[Process] = field(factory=list)

    async def start(self, script: str, *arguments: str) -> Process:
        """Start it with a script of the shell as its command."""
        command = ("watch", "--mentions", "--exec", shlex.join(("sh", "-c", script)), *arguments)
        environ = {**os.environ, "CHATR_URL": self.proxy.url, "CHATR_KEY": str(self.ada.key)}
        environ["PYTHONPATH"] = str(Path(__file__).parents[3])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatr", *command), cwd=self.folder, env=environ, stdout=PIPE, stderr=PIPE
        )
        self.processes.append(process)
        self.proxy.kill = process.kill
        return process

    async def answers(self, ids: list[str]) -> list[list[str]]:
        """The replies to each of these messages. Waits until each has one, and a later message, too."""
        last = (await self.bob.post("@Ada last")).message.id
        missing = {*ids, last}
        async with aclosing(self.bob.follow("0")) as messages:
            while missing:
                missing.discard((await anext(messages)).reply_to or "")
        return [await self._replies(each) for each in ids]

    async def _replies(self, message_id: str) -> list[str]:
        return [each.content for each in (await self.bob.messages(reply_to=message_id)).messages]

    def runs(self) -> list[str]:
        """The ids of the messages for which the command was run."""
        return (self.folder / "runs").read_text().split()


@pytest.fixture
async def watching(open_room: OpenRoom, tmp_path: Path) -> AsyncIterator[Watching]:
    """A room behind a proxy, with Ada and Bob."""
    room = await open_room(rate_unverified=NO_RATE_LIMIT)
    proxy = KillingProxy()
    proxy.lead_to(room.running.url)
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    async with ClientRoom(room.running.url) as ada, ClientRoom(room.running.url) as bob:
        await ada.register("Ada")
        await bob.register("Bob")
        watching = Watching(proxy, ada, bob, tmp_path)
        yield watching
        for process in watching.processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
    listener.close()
    proxy.close_connections()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("killed", "runs_of_first"),
    [
        ("while the command runs", 2),
        ("POST /api/messages before", 2),
        ("POST /api/messages lost", 1),
        ("POST /api/checkin before", 1),
        ("POST /api/checkin lost", 1),
    ],
)
async def test_a_killed_watch_answers_once(watching: Watching, killed: str, runs_of_first: int) -> None:
    """A watch that is killed and started again skips no message, and posts no reply twice."""
    ids = [(await watching.bob.post(text)).message.id for text in QUESTIONS]
    if killed == "while the command runs":
        process = await watching.start(KILL_PARENT, "--reply")
    else:
        request, _, kind = killed.rpartition(" ")
        watching.proxy.planned = Fault(request, kind)
        process = await watching.start(SCRIPT, "--reply")
    code = await process.wait()
    await watching.start(SCRIPT, "--reply")
    answers = await watching.answers(ids)
    runs = watching.runs()

    assert code == -signal.SIGKILL
    assert [[each.partition(" at ")[0] for each in replies] for replies in answers] == [
        [f"Answer to {text}"] for text in QUESTIONS
    ]
    assert [runs.count(each) for each in ids] == [runs_of_first, 1, 1]


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_a_stopped_watch_ends_its_command(watching: Watching, stop: signal.Signals, code: int) -> None:
    """Ctrl-C and SIGTERM also end the running command, without output; the message comes again."""
    await watching.bob.post("@Ada Hi")
    process = await watching.start("echo $$; exec sleep 60")
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    process.send_signal(stop)
    _, errors = await process.communicate()
    addressed = (await watching.ada.check_in()).addressed

    assert (process.returncode, errors) == (code, b"")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert [each.content for each in addressed] == ["@Ada Hi"]


async def test_watch_reconnects(watching: Watching) -> None:
    """`watch` receives the next message after its connections were cut."""
    await watching.start(SCRIPT, "--reply")
    first = (await watching.bob.post(QUESTIONS[0])).message.id
    answered = await watching.answers([first])
    watching.proxy.close_connections()
    second = (await watching.bob.post(QUESTIONS[1])).message.id

    assert [len(each) for each in (*answered, *await watching.answers([second]))] == [1, 1]


async def test_a_wrong_key_ends_watch_at_once(watching: Watching) -> None:
    """With a wrong key `watch` prints the room's sentence and ends with exit code 1."""
    watching.ada.key = "chatr_nonsense"
    process = await watching.start(SCRIPT)
    _, errors = await process.communicate()

    assert (process.returncode, errors.startswith(b"chatr: "), errors.count(b"\n")) == (1, True, 1)
