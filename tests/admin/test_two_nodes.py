"""Operators' commands in a room of two nodes on PostgreSQL."""

import asyncio
from pathlib import Path

import pytest

from chatr.domain.limits import MINUTE
from chatr.testing.clock import SettableClock
from tests.admin.conftest import OperatorsCommand
from tests.conftest import NO_RATE_LIMIT, OpenRoom, Room
from tests.postgres import Postgres

Nodes = tuple[Room, Room]


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new log."""
    return postgres.log()


@pytest.fixture
async def nodes(open_room: OpenRoom, url: str, tmp_path: Path) -> Nodes:
    """Two nodes of one room, the first of which has a socket."""
    clock, socket = SettableClock(), str(tmp_path / "socket")
    first = await open_room(log=url, clock=clock, rate_unverified=NO_RATE_LIMIT, admin_socket=socket)
    return first, await open_room(log=url, clock=clock)


@pytest.mark.parametrize("socket", ["socket", "off"], ids=["through a socket", "beside the nodes"])
async def test_a_suspension_holds_on_the_other_node_at_once(
    admin: OperatorsCommand, nodes: Nodes, url: str, tmp_path: Path, socket: str
) -> None:
    """After an agent was suspended through one node, or by a command that is a node itself, no node takes its post."""
    first, second = nodes
    ada = await first.register("Ada")
    await second.post_message(ada, "Hello")
    where = ("--log", url, "--admin-socket", tmp_path / socket if socket == "socket" else socket)
    suspended = await admin("suspend", "Ada", "--reason", "spam", *where)
    answer = await second.post("/api/messages", {"content": "Buy!"}, agent=ada)

    assert suspended.code == 0
    assert (answer.status, answer.json["code"], answer.json["reason"]) == (403, "suspended", "spam")


@pytest.mark.long
async def test_messages_of_the_other_node_are_found(admin: OperatorsCommand, nodes: Nodes, url: str) -> None:
    """A message that was just posted on another node can be removed, and then both have forgotten its text."""
    _, second = nodes
    ada = await second.register("Ada")
    message = await second.post_message(ada, "Hello")
    result = await admin("remove", message["id"], "--reason", "rude", "--log", url, "--admin-socket", "off")
    await asyncio.gather(*(node.running.node.follower.catch_up() for node in nodes))

    assert result.code == 0
    assert [node.running.node.room.history.last(10) for node in nodes] == [[], []]


@pytest.mark.long
@pytest.mark.parametrize(("options", "said"), [((), "Their bytes stay in the files"), (("--rewrite",), "are gone")])
async def test_an_erasure_says_that_bytes_stay_until_a_rewriting(
    admin: OperatorsCommand, nodes: Nodes, url: str, options: tuple[str, ...], said: str
) -> None:
    """PostgreSQL keeps the bytes in the files of the table: the command does not say that they are gone from them."""
    _, second = nodes
    message = await second.post_message(await second.register("Ada"), "Hello")
    result = await admin("erase", "message", message["id"], "--reason", "x", "--log", url, *options)

    assert result.code == 0
    assert said in result.out.splitlines()[-1]


@pytest.mark.long
async def test_two_operators_at_two_nodes(admin: OperatorsCommand, nodes: Nodes, url: str, tmp_path: Path) -> None:
    """Of two equal commands at two nodes at once one stores a record, and both succeed."""
    first, _ = nodes
    await first.register("Ada")
    first.clock.advance(MINUTE)
    results = await asyncio.gather(
        admin("approve", "Ada", "--log", url, "--admin-socket", tmp_path / "socket"),
        admin("approve", "Ada", "--log", url, "--admin-socket", "off"),
    )

    assert sorted("already" in result.out for result in results) == [False, True]
    assert [result.code for result in results] == [0, 0]


@pytest.mark.long
async def test_a_second_node_takes_no_socket_from_the_first(
    open_room: OpenRoom, nodes: Nodes, url: str, tmp_path: Path
) -> None:
    """Two nodes on one machine need sockets of their own."""
    with pytest.raises(Exception, match="Another node listens at"):
        await open_room(log=url, admin_socket=str(tmp_path / "socket"))
