"""The rooms of the client: their methods, and how waiting calls end."""

import asyncio
import gc
import inspect
import json
import re
import sys
from importlib.resources import files

import pytest

from chatr.client import BlockingRoom, NoAnswer, Room
from chatr.client.encoding import decode
from chatr.wire import LogHeadResponse
from tests.conftest import Room as Server

FORGETFUL = """
import sys
from chatr.client import BlockingRoom
room = BlockingRoom(sys.argv[1])
print(next(room.follow(history=True)).content)
"""
"""A script that closes nothing."""


METHOD = re.compile(r"^  (?:async )?([a-z]\w*)\(", re.MULTILINE)
"""A public method of a class in JavaScript."""


def public_names(of: type) -> set[str]:
    """Return the names of the public methods and properties of a class."""
    return {name for name in dir(of) if not name.startswith("_")}


def test_all_rooms_have_the_same_methods() -> None:
    """The asynchronous, the blocking and the JavaScript room have the same methods."""
    module = (files("chatr.adapters.http.page") / "client" / "room.js").read_text("utf-8")
    camel_case = {re.sub("_(.)", lambda found: found[1].upper(), name) for name in public_names(Room)}

    assert public_names(Room) <= public_names(BlockingRoom)
    assert camel_case - {*METHOD.findall(module)} == {"key", "url"}


async def posted(server: Server, content: str) -> None:
    """Post a message."""
    await server.post_message(await server.register(), content)


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://a.example", "http://", "http://a.example/?x", "//a.example"]
)
def test_a_wrong_address_is_rejected_at_once(url: str) -> None:
    """A text that cannot be the address of a room raises an error at once, and not after retries."""
    with pytest.raises(ValueError, match="address"):
        Room(url)


def test_a_key_is_not_shown() -> None:
    """`repr` of a room shows its address, but not its key."""
    assert repr(Room("https://a.example/chat/", "chatr_secret")) == "Room('https://a.example/chat')"


async def test_a_key_from_a_file_may_end_with_a_line_feed(room: Server) -> None:
    """White space around a key is not sent."""
    ada = await room.register()
    async with Room(room.running.url, f" {ada.key}\n") as client:
        assert (await client.me()).agent.name == "Ada"


def test_fields_of_a_newer_room_are_ignored() -> None:
    """A response may have fields that this version does not know."""
    known = {"success": True, "position": 1, "digest": "0" * 64, "logId": "x", "verifiedTo": 1}
    newer = {**known, "weather": {"wind": 7}}

    old, new = (decode("http://localhost", json.dumps(body).encode(), LogHeadResponse) for body in (known, newer))

    assert new == old


def test_a_body_that_is_nested_too_deeply_is_no_room() -> None:
    """It is NoAnswer, and not an error of the JSON parser."""
    with pytest.raises(NoAnswer, match="http://localhost is no chatr room"):
        decode("http://localhost", b'{"x":' * 99_999, LogHeadResponse)


def test_a_room_belongs_to_one_event_loop() -> None:
    """In a second event loop the error says what to do."""
    room = Room("http://127.0.0.1:1", time_limit=0)
    with pytest.raises(NoAnswer):
        asyncio.run(room.me())

    with pytest.raises(RuntimeError, match="open another one in this loop"):
        asyncio.run(room.me())
    asyncio.run(room.close())


async def test_closing_ends_what_waits(room: Server) -> None:
    """After `close`, waiting calls and later calls raise NoAnswer, and iterations end."""
    async with Room(room.running.url) as client:
        following = client.follow()
        waiting = asyncio.gather(client.messages(after="0", wait=25), anext(following, "ended"), return_exceptions=True)
        await client.agents()
    call, iteration = await waiting

    assert (type(call), iteration) == (NoAnswer, "ended")
    with pytest.raises(NoAnswer, match="closed"):
        await client.agents()
    with pytest.raises(NoAnswer, match="closed"):
        await anext(client.follow())


def open_generators() -> list[object]:
    """The generators of the client that were begun and are not closed."""
    generators = filter(inspect.isasyncgen, gc.get_objects())
    return [each for each in generators if each.ag_frame and "/chatr/client/" in each.ag_code.co_filename]


async def test_closing_a_room_closes_its_iterators(room: Server) -> None:
    """An iterator from which nobody reads any longer is closed with its room, and not by the loop when it ends."""
    await posted(room, "Hello")
    async with Room(room.running.url) as client:
        following = client.follow(history=True)
        await anext(following)
        begun = len(open_generators())

    assert begun > 1
    assert open_generators() == []


async def test_a_room_is_closed_while_several_read_one_iterator(room: Server) -> None:
    """A second reader of an iterator is refused, and the first one ends when the room is closed."""
    async with Room(room.running.url) as client:
        following = client.follow()
        first = asyncio.ensure_future(anext(following, "ended"))
        await client.agents()
        with pytest.raises(RuntimeError, match="already running"):
            await anext(following)

    assert await first == "ended"
    with pytest.raises(NoAnswer, match="closed"):
        await client.agents()


async def test_cancelling_leaves_nothing_open(room: Server) -> None:
    """Cancelled calls and iterations close their connections, and the room can still be used."""
    async with Room(room.running.url) as client:
        tasks = [asyncio.ensure_future(each) for each in (client.messages(after="0", wait=25), anext(client.follow()))]
        await client.agents()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        agents = await client.agents()
    gc.collect()  # warnings of what was not closed are errors

    assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
    assert agents.stats.total_agents == 0


@pytest.mark.long
async def test_a_script_need_not_close_its_room(room: Server) -> None:
    """A blocking room that the script does not close is closed when the program ends, without a warning."""
    await posted(room, "Hello")
    command = (sys.executable, "-W", "error", "-c", FORGETFUL, room.running.url)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    printed = await process.communicate()

    assert (printed, process.returncode) == ((b"Hello\n", b""), 0)


async def test_a_blocking_room_is_used_from_several_threads(room: Server) -> None:
    """Several threads can use one room, also while one follows it and another closes it."""
    ada = await room.register()
    client = BlockingRoom(room.running.url, ada.key)
    following = client.follow()
    first = asyncio.create_task(asyncio.to_thread(next, following, None))
    names = await asyncio.gather(*(asyncio.to_thread(lambda: client.me().agent.name) for _ in range(4)))
    while not first.done():  # what is posted before it follows is not new
        await room.post_message(ada, "Hello")
    rest = asyncio.create_task(asyncio.to_thread(list, following))
    await asyncio.to_thread(client.close)
    await rest
    message = await first

    assert names == ["Ada"] * 4
    assert message is not None
    assert message.content == "Hello"


@pytest.mark.long
async def test_a_retry_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A script that sets nothing up shows why it waits: the logger of the client warns once of an interruption."""
    async with Room("http://127.0.0.1:1", time_limit=3) as room:
        with pytest.raises(NoAnswer):
            await room.me()

    assert [each.getMessage() for each in caplog.records if each.name == "chatr.client"] == [
        "trying again: The room at http://127.0.0.1:1 cannot be reached (Connection refused): check the address."
    ]
