"""A room is hosted by docs/operating.md alone: as a service, in containers, and as two nodes on PostgreSQL."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession

from chatr.admin.commands.erasing import BYTES_LEFT_IN_TABLE, TEXTS_ERASED
from tests.cluster.processes import until
from tests.cluster.test_proxies import frames
from tests.conftest import new_key
from tests.deploy.hosted_room import HostedRoom
from tests.deploy.hosting import containers, service, two_nodes
from tests.deploy.operating_page import PAGE, STEPS
from tests.deploy.room_client import Client, clients_of_nodes, public_client
from tests.stream_client import TIMEOUT

pytestmark = pytest.mark.long

ILLEGAL: Final = "She lives in Mill Road 1, go there!"
WORDS: Final = "Mill Road 1"
KEY: Final = re.compile(r"chatr_\w{36}")
METRIC: Final = re.compile(r"`((?:chatr|http)_[a-z_]+)")


def hosted(*manners: str) -> pytest.MarkDecorator:
    """Run a test in rooms that are hosted in these manners."""
    return pytest.mark.parametrize("room", manners, indirect=True, scope="module")


EVERYWHERE: Final = hosted("service", "containers", "two nodes")
ON_SQLITE: Final = hosted("service", "containers")


@pytest.fixture(scope="module")
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedRoom]:
    """A room that is hosted as the page says, which the tests share."""
    folder = tmp_path_factory.mktemp("hosted")
    match request.param:
        case "service":
            host: AbstractContextManager[HostedRoom] = service(folder)
        case "containers":
            host = containers(folder)
        case _:
            host = two_nodes(folder)
    with host as room:
        yield room


@pytest.fixture
async def client(room: HostedRoom) -> AsyncIterator[Client]:
    """A client of the public address."""
    async with public_client(room) as client:
        yield client


@pytest.fixture
async def nodes(room: HostedRoom) -> AsyncIterator[list[Client]]:
    """A client of each node."""
    async with clients_of_nodes(room) as nodes:
        yield nodes


async def followed(room: HostedRoom, section: str, words: Mapping[str, str] | None = None) -> list[str]:
    """Run the commands of a section while this loop goes on, and return their outputs."""
    return await asyncio.to_thread(room.follow, section, words)


async def until_gone(nodes: list[Client], words: str) -> None:
    """Wait until no node shows a message with these words; a node follows the log within a moment."""
    for node in nodes:

        async def is_gone(node: Client = node) -> bool:
            return not [text for text in await node.shown() if words in text]

        await until(is_gone)


@EVERYWHERE
async def test_agents_post_and_people_watch_through_tls(room: HostedRoom, client: Client) -> None:
    """A message arrives over https at a watcher that trusts only Caddy's authority; others refuse the certificate."""
    async with client.http.get("/api/stream") as stream:
        watch = frames(stream)
        await anext(watch)
        ada = await new_key(client.http, "Through-TLS")
        await client.post(ada, "Hello over TLS")
        async with asyncio.timeout(TIMEOUT):
            while (frame := await anext(watch)).kind != "message":
                pass
    async with ClientSession(room.url) as other:
        with pytest.raises(ClientConnectorCertificateError):
            await other.get("/health")

    assert frame.data["content"] == "Hello over TLS"


@EVERYWHERE
async def test_the_check_finds_nothing_wrong(room: HostedRoom) -> None:
    """The room answers at its public address, and the doctor sees no problem from outside."""
    _health, doctor = await followed(room, "Check")

    assert "ok       client addresses" in doctor
    assert "problem" not in doctor


@EVERYWHERE
async def test_a_spammer_is_stopped(room: HostedRoom, client: Client, nodes: list[Client]) -> None:
    """Two commands stop an agent on every node, and its messages vanish for those who watch and those who come."""
    spammer = await new_key(client.http, "Spammer")
    ids = await client.ids(spammer, "Buy 1", "Buy 2", "Buy 3")
    async with client.removed_ids(3) as removed:
        outputs = await followed(room, "Stop a spammer")
    answers = [await each.post(spammer, "Buy 4") for each in (client, *nodes)]
    await until_gone([client, *nodes], "Buy")

    assert len(outputs) == 2
    assert removed == set(ids)
    assert {(answer["code"], answer["reason"]) for answer in answers} == {("suspended", "advertising")}


@EVERYWHERE
async def test_a_lost_key_is_replaced(room: HostedRoom, client: Client, nodes: list[Client]) -> None:
    """The new key opens the agent, and from then on no node takes a message with the old one."""
    old = await new_key(client.http, "Ada")
    (output,) = await followed(room, "Replace a lost key")
    first = await client.ids(KEY.findall(output)[0], "Here I am again")
    answers = [await each.post(old, "Me too") for each in (client, *nodes)]

    assert len(first) == 1
    assert {answer.get("code") for answer in answers} == {"unauthorized"}


@EVERYWHERE
async def test_an_illegal_message_is_erased(room: HostedRoom, client: Client, nodes: list[Client]) -> None:
    """The page's own search finds the text before, and afterwards only in an older backup: neither in the log and the
    files beside it, also after a restart, nor in a newer backup.
    """
    agent = await new_key(client.http, "Informer")
    (message,) = await client.ids(agent, ILLEGAL)
    backups = await asyncio.to_thread(new_backups, room)
    before = await asyncio.to_thread(places_of_text, room)
    # PostgreSQL promises less, which the page says below the example.
    promise = {TEXTS_ERASED: BYTES_LEFT_IN_TABLE} if room.own[1:] else {}
    await followed(room, "Erase an illegal message", {"1042": message, **promise})
    at_once = await asyncio.to_thread(places_of_text, room)
    await asyncio.to_thread(room.control, "sudo systemctl restart chatr")
    await asyncio.to_thread(new_backups, room)

    assert before > backups
    assert (at_once, await asyncio.to_thread(places_of_text, room)) == (backups, backups)
    assert [text for each in (client, *nodes) for text in await each.shown() if WORDS in text] == []


@EVERYWHERE
async def test_metrics_are_scraped(room: HostedRoom) -> None:
    """Every metric that the page names is at the address that it names, and at that of every other node."""
    (scraped,) = await followed(room, "Metrics")
    others = [room.run(f"curl http://{own['CHATR_METRICS']}/metrics") for own in room.own[1:]]
    named = set(METRIC.findall(PAGE)) - {"chatr_room"}

    assert len(named) > 12
    assert {name for text in (scraped, *others) for name in named if f"# TYPE {name} " not in text} == set()


@ON_SQLITE
async def test_a_backup_brings_the_room_back(room: HostedRoom, client: Client) -> None:
    """After the restore the room is as it was when the backup was made, the doctor is content, and posts go on."""
    agent = await new_key(client.http, "Historian")
    await client.post(agent, "Before the backup")
    (backup,) = await asyncio.to_thread(new_backups, room)
    await client.post(agent, "After the backup")
    await followed(room, "Restore", {"FILE": backup.name})
    (doctor,) = await followed(room, "When something is wrong")
    shown = await client.shown()
    (message,) = await client.ids(agent, "After the restore")

    assert "Before the backup" in shown
    assert "After the backup" not in shown
    assert len(list(room.state.glob("old.*/chatr.db"))) == 1
    assert int(message) > 0
    assert "ok       last record" in doctor
    assert "problem" not in doctor


@ON_SQLITE
async def test_settings_are_changed_and_the_version_too(room: HostedRoom, client: Client) -> None:
    """After both sections the room serves with the settings that were written, and has its messages."""
    agent = await new_key(client.http, "Traveller")
    await client.post(agent, "Hello from before")
    *_, config = await followed(room, "Change settings")
    await followed(room, "Upgrade")

    assert f'\npublic_url = "{room.url}"\n' in config
    assert "Hello from before" in await client.shown()


@EVERYWHERE
async def test_an_operator_registers_an_agent(room: HostedRoom, nodes: list[Client]) -> None:
    """The key that the command prints opens the agent on every node."""
    (output,) = await followed(room, "A private room")
    posted = [await each.ids(KEY.findall(output)[0], f"Hello {number}") for number, each in enumerate(nodes)]

    assert len(posted) == len(room.own)


@hosted("two nodes")
async def test_the_move_to_postgresql_keeps_the_room(nodes: list[Client]) -> None:
    """Both nodes show what was posted on SQLite before the move."""
    shown = [await each.shown() for each in nodes]

    assert ["Hello on SQLite" in texts for texts in shown] == [True, True]


def new_backups(room: HostedRoom) -> set[Path]:
    """Make a backup as the page says, and return it under a name of its own; none of a log in PostgreSQL."""
    folder = backups_folder(room)
    before = set(folder.iterdir())
    room.follow("Back up")
    made = set(folder.iterdir()) - before
    return {path.rename(folder / f"{uuid4()}.db") for path in made}


def backups_folder(room: HostedRoom) -> Path:
    """Return the folder into which the page puts backups."""
    return Path(room.places["/var/backups/chatr"]) if "docker" in room.elsewhere else room.state / "backups"


def places_of_text(room: HostedRoom) -> set[Path]:
    """Return where the page's search finds the text: files, or a path made of the position of a record."""
    searches = [each.command for each in STEPS if WORDS in each.command and not each.command.startswith(room.elsewhere)]
    lines = "\n".join(map(room.run, searches)).splitlines()
    return {Path(line.strip()) for line in lines if line.startswith("/") or line.strip().isdigit()}
