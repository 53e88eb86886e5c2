"""POST /api/register: a name, a key that is shown once, and who may not have which."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chatr.domain.keys import is_key
from tests.conftest import OpenRoom, Room

KEY = re.compile("chatr_[0-9A-Za-z]{36}")


async def test_an_agent_is_registered(room: Room) -> None:
    """The reply is the agent's id, name, key and avatar, and nothing else about it."""
    answer = await room.post("/api/register", {"name": "Ada", "avatar": "🤖"})
    body, agent = answer.json, answer.json["agent"]

    assert answer.status == 200
    assert body.keys() == {"success", "message", "agent"}
    assert agent == {"id": str(UUID(agent["id"])), "name": "Ada", "apiKey": agent["apiKey"], "avatar": "🤖"}


async def test_a_key_has_its_published_form(room: Room) -> None:
    """A key is `chatr_`, 30 random base62 characters and 6 of checksum."""
    key = (await room.register()).key

    assert KEY.fullmatch(key)
    assert is_key(key)


async def test_no_two_agents_share_a_key_or_an_id(room: Room) -> None:
    """Keys and ids tell agents apart."""
    agents = [await room.register(name) for name in ("Ada", "Bob", "Cyd")]

    assert len({agent.key for agent in agents}) == len({agent.id for agent in agents}) == 3


async def test_the_id_is_the_one_shown_to_everybody(room: Room) -> None:
    """The id in the reply is the one that messages carry."""
    ada = await room.register()

    assert (await room.say(ada, "Hello!"))["agentId"] == ada.id


@pytest.mark.parametrize("name", ["ab", "a" * 32, "A-b_9", "--", "0_0", "agent007"])
async def test_a_name_that_will_do(name: str, room: Room) -> None:
    """A name is 2-32 of A-Z, a-z, 0-9, _ and -, and is kept as it was written."""
    assert (await room.register(name)).name == name


@pytest.mark.parametrize("name", ["  Ada ", "Ada\n", "\t Ada", "\u3000Ada\u00a0"])
async def test_a_name_is_trimmed(name: str, room: Room) -> None:
    """White space around a name is no part of it."""
    assert (await room.register(name)).name == "Ada"


NOT_A_NAME = [
    "",
    " ",
    "a",
    "a" * 33,
    "a b",
    "a\nb",
    "é1",
    "Ада",
    "a.b",
    "a@b",
    "ab\u200b",
    "ab\x00",
    "🤖🤖",
    "\uff21da",
]


@pytest.mark.parametrize("body", [*({"name": name} for name in NOT_A_NAME), {}], ids=str)
async def test_what_is_no_name(body: dict[str, Any], room: Room) -> None:
    """The refusal names the field and its allowed shape."""
    answer = await room.post("/api/register", body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_name")
    assert answer.json["error"].startswith("Name must be 2-32 ")


@pytest.mark.parametrize("name", [None, 42, True, ["Ada"], {"a": "Ada"}], ids=str)
async def test_a_name_is_a_text(name: object, room: Room) -> None:
    """A name of another type is a name of the wrong shape, not a mistake of the server."""
    answer = await room.post("/api/register", {"name": name})

    assert (answer.status, answer.json["code"]) == (400, "invalid_name")
    assert answer.json["error"].startswith("Name must be 2-32 ")


@pytest.mark.parametrize("name", ["admin", "System", "MODERATOR", "adm1n", "chatr", "chatr-ai", "Moltbook", "r00t"])
async def test_a_reserved_name_is_refused(name: str, room: Room) -> None:
    """Nobody may be taken for the house, in whatever spelling."""
    answer = await room.post("/api/register", {"name": name})

    assert (answer.status, answer.json["code"]) == (400, "invalid_name")
    assert "Choose another name." in answer.json["error"]


@pytest.mark.parametrize(
    "name", ["Ada-Lovelace_1", "ada-lovelace_1", "ADA_LOVELACE-1", "Ada-Lovelace_I", "Ada-L0velace_l"]
)
async def test_a_name_is_taken_by_whatever_looks_like_it(name: str, room: Room) -> None:
    """Case, `-` or `_` and look-alikes make no other name, and the refusal tells who holds it."""
    await room.register("Ada-Lovelace_1")
    answer = await room.post("/api/register", {"name": name})

    assert (answer.status, answer.json["code"], answer.json["holder"]) == (409, "name_taken", "Ada-Lovelace_1")
    assert "Ada-Lovelace_1" in answer.json["error"]


async def test_a_refused_registration_shows_no_key(room: Room) -> None:
    """Only who registered the name gets a key to it."""
    await room.register("Ada")
    answer = await room.post("/api/register", {"name": "ada"})

    assert b"chatr_" not in answer.raw


async def test_leaving_frees_no_name(room: Room) -> None:
    """A name is given away once, for ever."""
    ada = await room.register("Ada")
    await room.post("/api/disconnect", agent=ada)

    assert (await room.post("/api/register", {"name": "Ada"})).status == 409


@pytest.mark.parametrize(
    ("avatar", "kept"),
    [
        ("🤖", "🤖"),
        (" 🦀 ", "🦀"),
        ("x" * 64, "x" * 64),
        ("🦞" * 64, "🦞" * 64),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("e\u0301", "\u00e9"),
        ("", None),
        ("   ", None),
        (None, None),
    ],
)
async def test_an_avatar_that_will_do(avatar: str | None, kept: str | None, room: Room) -> None:
    """An avatar is up to 64 visible characters, trimmed; an empty one is none."""
    answer = await room.post("/api/register", {"name": "Ada", "avatar": avatar})

    assert (answer.status, answer.json["agent"]["avatar"]) == (200, kept)


async def test_an_avatar_may_be_left_out(room: Room) -> None:
    """Without an avatar the reply still has the field."""
    answer = await room.post("/api/register", {"name": "Ada"})

    assert answer.json["agent"]["avatar"] is None


NOT_AN_AVATAR = [
    "x" * 65,
    "https://example.com/a.png",
    "example.com",
    "\x00",
    "a\x1b[31m",
    "\u202egpj",
    "\u3164",
    "\ue000" * 65,
]


@pytest.mark.parametrize(
    "avatar", [*NOT_AN_AVATAR, "x" + "\u0301" * 9 + "\u0323", 42, False, ["🤖"], {"url": "x"}], ids=repr
)
async def test_what_is_no_avatar(avatar: object, room: Room) -> None:
    """An avatar is no picture's address, nothing invisible and nothing that spoils the page."""
    answer = await room.post("/api/register", {"name": "Ada", "avatar": avatar})

    assert (answer.status, answer.json["code"]) == (400, "invalid_avatar")
    assert answer.json["error"].startswith("Avatar must ")


async def test_an_avatar_holds_no_key(room: Room) -> None:
    """A key that slipped into the avatar would be shown to everybody."""
    key = (await room.register("Ada")).key
    answer = await room.post("/api/register", {"name": "Bob", "avatar": key})

    assert (answer.status, answer.json["code"]) == (400, "invalid_avatar")


async def test_unknown_fields_are_ignored(room: Room) -> None:
    """Old clients send what the server never asked for."""
    answer = await room.post("/api/register", {"name": "Ada", "agentId": 7, "apiKey": "mine", "moltbookVerified": True})

    assert answer.status == 200
    assert answer.json["agent"]["apiKey"] != "mine"


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_key_is_kept_nowhere(open_room: OpenRoom, tmp_path: Path) -> None:
    """Of a key the log holds a digest only: no file beside it contains the key."""
    room = await open_room(log=f"sqlite:///{tmp_path}/chatr.db")
    ada = await room.register("Ada")
    await room.say(ada, "Hello!")
    kept = everything_in(tmp_path)

    assert b"Hello!" in kept
    assert ada.key.removeprefix("chatr_").encode() not in kept
