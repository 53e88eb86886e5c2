"""The server of the admin socket: whatever a local client sends or does not read, it delays nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from socket import MSG_PEEK
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from chatr.admin.client import NO_REPLY, NODE_ENDED, UNREADABLE_REPLY, replies_of_node
from chatr.admin.protocol import LARGEST_REQUEST, BadRequest, parse_request, request_line
from chatr.admin.replies import Change, End, Reply
from chatr.admin.requests import AnyRequest, CloseTheRoom, OpenTheRoom, RemoveMessages, RestoreMessages
from chatr.admin.server import BUSY, MOST_CONNECTIONS, serving_operators
from chatr.admin.socket_file import connected_socket, listening_socket
from tests.admin.conftest import Operated, spammed_node

BY = "olga"


@pytest.fixture
async def path(operated: Operated, tmp_path: Path) -> AsyncIterator[Path]:
    """The path of the socket of a node."""
    socket_path = tmp_path / "socket"
    with listening_socket(socket_path) as listening:
        async with serving_operators(listening, operated.admin_node):
            yield socket_path


async def send(path: Path, line: bytes) -> list[Any]:
    """Send a line as it is, and return all replies."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    try:
        return [json.loads(reply) async for reply in reader]
    finally:
        writer.close()


async def ask(path: Path, request: AnyRequest) -> list[Reply]:
    """Send a request as the command does, and return all replies."""
    connection = connected_socket(path)
    assert connection is not None
    return [reply async for reply in replies_of_node(connection, request)]


async def is_open(path: Path) -> bool:
    """Whether the node carries out commands."""
    replies = await send(path, b'{"version":1,"request":{"command":"open","by":"olga"}}\n')
    return [reply["kind"] for reply in replies] == ["change", "end"]


async def test_a_request_is_one_line_of_json(path: Path) -> None:
    """Programs may speak the protocol themselves: a request with its version, then replies until the last one."""
    line = b'{"version":1,"request":{"command":"close","by":"olga","reason":"late"}}\n'

    assert await send(path, line) == [
        {
            "kind": "change",
            "type": "room-closed",
            "record": 11,
            "already": False,
            "dryRun": False,
            "by": "olga",
            "reason": "late",
        },
        {"kind": "end"},
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"close\n",
        b"\xff\xfe\n",
        b"GET / HTTP/1.1\n",
        b"null\n",
        b'{"version":1}\n',
        b'{"version":"1","request":{"command":"open","by":"olga"}}\n',
        b'{"version":1,"request":{"command":"explode","by":"olga"}}\n',
        b'{"version":1,"request":{"command":"open"}}\n',
        b'{"version":1,"request":{"command":"open","by":1}}\n',
        b'{"version":1,"request":{"command":"open","by":"olga","force":true}}\n',
        b'{"version":1,"request":{"command":"open","by":"\\ud800"}}\n',
        b'{"version":1,"request":{"command":"remove","by":"olga","reason":"x","ids":[]}}\n',
        b'{"version":1,"request":{"command":"remove","by":"olga","reason":"x","ids":["12abc"]}}\n',
        b'{"version":1,"request":{"command":"remove","by":"olga","reason":"x","ids":[-1]}}\n',
        b'{"version":1,"request":{"command":"remove","by":"olga","reason":"x","ids":[0]}}\n',
        b'{"version":1,"request":{"command":"remove","by":"olga","reason":"x","ids":[1.5]}}\n',
        b'{"version":1,"request":{"command":"remove","by":"olga","reason":"x","ids":[' + b"9" * 31 + b"]}}\n",
        b'{"version":1,"request":{"command":"suspend","by":"olga","reason":"x","agent":"Ada","duration":-1}}\n',
        b'{"version":1,"request":{"command":"suspend","by":"olga","reason":"x","agent":"Ada","duration":1e300}}\n',
        b"[" * 100_000 + b"\n",
        b'{"version":1,' * 10_000 + b"\n",
    ],
    ids=lambda line: line[:60].decode(errors="replace"),
)
async def test_a_line_that_is_no_request_is_refused(path: Path, line: bytes, operated: Operated) -> None:
    """Whatever is sent, the reply is a sentence, nothing is stored, and the next command is carried out."""
    (reply,) = await send(path, line)

    assert (reply["kind"], reply["code"]) == ("refused", "invalid_request")
    assert await operated.log.head() == 10
    assert await is_open(path)


@given(st.binary() | st.from_regex(rb'\{"version":1,"request":.*\}'))
def test_no_line_is_misunderstood(line: bytes) -> None:
    """Random bytes, also such as begin like a request, are refused with a sentence and raise nothing else."""
    with pytest.raises(BadRequest):
        parse_request(line)


async def test_another_version_is_named(path: Path) -> None:
    """A client of another version learns which chatr to use, also if its request has another form."""
    (reply,) = await send(path, b'{"version":2,"request":{"moderate":true}}\n')

    assert reply["error"] == (
        "The node knows version 1 of the commands, not 2: use the same version of chatr as the node."
    )


async def test_a_line_without_end_is_refused(path: Path) -> None:
    """Ten megabytes without a line feed are not gathered in memory."""
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(b"x" * 10_000_000)
    with pytest.raises(ConnectionError):
        await writer.drain()
    writer.close()

    assert await is_open(path)


async def test_a_command_that_is_too_long_is_refused_by_the_client(path: Path) -> None:
    """A client says that a command is too long instead of sending it."""
    (reply,) = await ask(path, CloseTheRoom(by=BY, reason="x" * LARGEST_REQUEST))

    assert getattr(reply, "code", None) == "invalid_request"


async def test_connections_are_limited(path: Path) -> None:
    """If too many clients are connected, the next one is rejected. When they leave, others are served again."""
    waiting = [await asyncio.open_unix_connection(path) for _ in range(MOST_CONNECTIONS)]
    # The last of them is accepted before a later one.
    connection = connected_socket(path)
    assert connection is not None
    await asyncio.to_thread(connection.recv, 1, MSG_PEEK)
    # Its command is sent when the reply is there already.
    rejected = [reply async for reply in replies_of_node(connection, OpenTheRoom(by=BY))]
    for _, writer in waiting:
        writer.close()
        await writer.wait_closed()
    while not await is_open(path):
        pass

    assert rejected == [BUSY]


async def test_a_client_that_takes_nothing_delays_nobody(tmp_path: Path) -> None:
    """While a client does not read its replies, other commands are carried out, and the node can stop."""
    async for node in spammed_node(2_500):
        request = RestoreMessages(by=BY, ids=tuple(node.room.history.positions))
        with listening_socket(tmp_path / "socket") as listening:
            async with serving_operators(listening, node.admin_node):
                connection = connected_socket(tmp_path / "socket")
                assert connection is not None
                connection.setblocking(False)
                await asyncio.get_running_loop().sock_sendall(connection, request_line(request))

                assert await is_open(tmp_path / "socket")
        connection.close()


async def test_a_client_that_leaves_is_forgotten(path: Path, operated: Operated) -> None:
    """A client that sends a command and leaves does no harm."""
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"version":1,"request":{"command":"close","by":"olga","reason":"late"}}\n')
    writer.transport.abort()

    assert await is_open(path)


async def test_a_command_that_was_given_up_is_not_carried_out(operated: Operated, tmp_path: Path) -> None:
    """While a node reads its log, commands wait in its socket. Those whose operators were told that they failed, and
    who may have decided otherwise since, are dropped.
    """
    with listening_socket(tmp_path / "socket") as listening:
        given_up, waiting = connected_socket(tmp_path / "socket"), connected_socket(tmp_path / "socket")
        assert given_up is not None
        assert waiting is not None
        given_up.sendall(b'{"version":1,"request":{"command":"close","by":"olga","reason":"late"}}\n')
        given_up.close()
        async with serving_operators(listening, operated.admin_node):
            replies = [reply async for reply in replies_of_node(waiting, OpenTheRoom(by=BY))]

    assert [type(reply) for reply in replies] == [Change, End]
    assert await operated.log.head() == 10


async def test_a_program_may_end_what_it_sends(path: Path) -> None:
    """A client that has closed its side for writing, as a shell does with a pipe, still gets its replies."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"version":1,"request":{"command":"open","by":"olga"}}\n')
    writer.write_eof()
    replies = [json.loads(reply)["kind"] async for reply in reader]
    writer.close()

    assert replies == ["change", "end"]


async def test_two_operators_act_at_once(path: Path, operated: Operated) -> None:
    """Of two equal commands at the same time one stores a record, and the other says that it was so already."""
    replies = await asyncio.gather(*(ask(path, RemoveMessages(by=BY, ids=(5, 6, 9), reason="x")) for _ in range(2)))
    changes = [reply for all_ in replies for reply in all_[:-1]]

    assert await operated.log.head() == 13
    assert [isinstance(change, Change) and change.already for change in changes].count(True) == 3


async def test_an_error_that_nobody_knows_is_logged(path: Path, operated: Operated) -> None:
    """A defect of the program fails the command with a sentence, and the node goes on."""
    operated.log.fail("pick", RuntimeError("a defect"))
    with capture_logs() as lines:
        *_, reply = await ask(path, RemoveMessages(by=BY, ids=(5,), reason="x"))

    assert [line["event"] for line in lines] == ["admin_command_failed"]
    assert getattr(reply, "error", "") == (
        "The node failed with an unexpected error: see admin_command_failed in its log lines."
    )
    assert await is_open(path)


async def test_a_node_that_stops_disconnects_its_clients(operated: Operated, tmp_path: Path) -> None:
    """A command that waits for the log when the node stops ends with a sentence, and holds nothing up."""
    hold = operated.log.hold("append")
    with listening_socket(tmp_path / "socket") as listening:
        async with serving_operators(listening, operated.admin_node):
            asking = asyncio.create_task(ask(tmp_path / "socket", CloseTheRoom(by=BY, reason="late")))
            await hold.reached.wait()

    assert await asking == [NODE_ENDED]


@pytest.mark.parametrize(
    ("sent", "reply"), [(b"", NODE_ENDED), (b'{"kind":"e', NODE_ENDED), (b"Hello\n", UNREADABLE_REPLY)]
)
async def test_a_reply_that_cannot_be_read_is_an_error(tmp_path: Path, sent: bytes, reply: Reply) -> None:
    """A program that is no node, or a node that is killed, makes the command end with a sentence."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(sent)
        writer.close()

    with listening_socket(tmp_path / "socket") as listening:
        async with await asyncio.start_unix_server(serve, sock=listening):
            assert await ask(tmp_path / "socket", OpenTheRoom(by=BY)) == [reply]


def test_the_wait_for_a_reply_is_bounded() -> None:
    """A node that hangs is reported."""
    assert NO_REPLY.error == (
        "The node did not reply within 30 s: chatr log shows whether the command was carried out. If the node is "
        "starting, try again."
    )
