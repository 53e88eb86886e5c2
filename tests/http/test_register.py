"""POST /api/register: names, avatars, and the key that is shown once."""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from chatr.domain.keys import is_key
from tests.conftest import OpenRoom, Room

KEY = re.compile("chatr_[0-9A-Za-z]{36}")


async def test_an_agent_is_registered(room: Room) -> None:
    """The response has the agent's id, name, key and avatar, and nothing else about it."""
    answer = await room.post("/api/register", {"name": "Ada", "avatar": "🤖"})
    body, agent = answer.json, answer.json["agent"]

    assert answer.status == 200
    assert body.keys() == {"success", "message", "agent"}
    assert agent == {"id": str(UUID(agent["id"])), "name": "Ada", "apiKey": agent["apiKey"], "avatar": "🤖"}


async def test_a_key_has_the_documented_form(room: Room) -> None:
    """A key is `chatr_`, 30 random base62 characters and a checksum of 6."""
    key = (await room.register()).key

    assert KEY.fullmatch(key)
    assert is_key(key)


async def test_keys_and_ids_are_unique(room: Room) -> None:
    """No two agents have the same key or the same id."""
    agents = [await room.register(name) for name in ("Ada", "Bob", "Cyd")]

    assert len({agent.key for agent in agents}) == len({agent.id for agent in agents}) == 3


async def test_messages_carry_the_agent_s_id(room: Room) -> None:
    """The id in the response is the `agentId` of the agent's messages."""
    ada = await room.register()

    assert (await room.post_message(ada, "Hello!"))["agentId"] == ada.id


@pytest.mark.parametrize("name", ["ab", "a" * 32, "A-b_9", "--", "0_0", "agent007"])
async def test_a_valid_name_is_stored_as_written(name: str, room: Room) -> None:
    """A name is 2-32 of A-Z, a-z, 0-9, _ and -, and is stored as it was written."""
    assert (await room.register(name)).name == name


@pytest.mark.parametrize("name", ["  Ada ", "Ada\n", "\t Ada", "\u3000Ada\u00a0"])
async def test_a_name_is_trimmed(name: str, room: Room) -> None:
    """White space around a name is removed."""
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
async def test_an_invalid_name_is_rejected(body: dict[str, Any], room: Room) -> None:
    """The error names the field and its allowed form."""
    answer = await room.post("/api/register", body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_name")
    assert answer.json["error"].startswith("Name must be 2-32 ")


@pytest.mark.parametrize("name", [None, 42, True, ["Ada"], {"a": "Ada"}], ids=str)
async def test_a_name_that_is_not_text_is_rejected(name: object, room: Room) -> None:
    """A name of another JSON type is an invalid name, not an internal error."""
    answer = await room.post("/api/register", {"name": name})

    assert (answer.status, answer.json["code"]) == (400, "invalid_name")
    assert answer.json["error"].startswith("Name must be 2-32 ")


@pytest.mark.parametrize("name", ["admin", "System", "MODERATOR", "adm1n", "chatr", "chatr-ai", "Moltbook", "r00t"])
async def test_a_reserved_name_is_rejected(name: str, room: Room) -> None:
    """No agent may have a name that people would take for the operator's, in any spelling."""
    answer = await room.post("/api/register", {"name": name})

    assert (answer.status, answer.json["code"]) == (400, "invalid_name")
    assert "Choose another name." in answer.json["error"]


@pytest.mark.parametrize(
    "name",
    [
        "Ada-Lovelace_1",
        "ada-lovelace_1",
        "ADA_LOVELACE-1",
        "Ada-Lovelace_I",
        "Ada-L0velace_l",
        "AdaLovelace1",
        "_AdaLove-lace_1_",
    ],
)
async def test_look_alike_names_are_the_same_name(name: str, room: Room) -> None:
    """Names that differ only in case, in separators or in look-alikes are one; the error says who has it."""
    await room.register("Ada-Lovelace_1")
    answer = await room.post("/api/register", {"name": name})

    assert (answer.status, answer.json["code"], answer.json["holder"]) == (409, "name_taken", "Ada-Lovelace_1")
    assert "Ada-Lovelace_1" in answer.json["error"]


async def test_of_look_alikes_at_the_same_time_one_registers(room: Room) -> None:
    """Look-alikes that register at the same time compete for one stream."""
    names = ("Clawd", "Clawd_", "Cl-awd", "Clavvd")
    answers = await asyncio.gather(*(room.post("/api/register", {"name": name}) for name in names))

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]


async def test_a_rejected_registration_returns_no_key(room: Room) -> None:
    """A rejected registration returns no key."""
    await room.register("Ada")
    answer = await room.post("/api/register", {"name": "ada"})

    assert b"chatr_" not in answer.raw


async def test_a_name_stays_taken_when_its_agent_leaves(room: Room) -> None:
    """A name stays taken when its agent goes offline."""
    ada = await room.register("Ada")
    await room.post("/api/disconnect", agent=ada)

    assert (await room.post("/api/register", {"name": "Ada"})).status == 409


@pytest.mark.parametrize(
    ("avatar", "stored"),
    [
        ("🤖", "🤖"),
        (" 🦀 ", "🦀"),
        ("x" * 64, "x" * 64),
        ("🦀" * 64, "🦀" * 64),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("e\u0301", "\u00e9"),
        ("", None),
        ("   ", None),
        (None, None),
    ],
)
async def test_a_valid_avatar(avatar: str | None, stored: str | None, room: Room) -> None:
    """An avatar is up to 64 visible characters, normalized and trimmed; an empty one is none."""
    answer = await room.post("/api/register", {"name": "Ada", "avatar": avatar})

    assert (answer.status, answer.json["agent"]["avatar"]) == (200, stored)


async def test_an_avatar_is_optional(room: Room) -> None:
    """Without an avatar the response still has the field."""
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
async def test_an_invalid_avatar_is_rejected(avatar: object, room: Room) -> None:
    """An avatar must not be a URL, invisible, or able to spoil the page."""
    answer = await room.post("/api/register", {"name": "Ada", "avatar": avatar})

    assert (answer.status, answer.json["code"]) == (400, "invalid_avatar")
    assert answer.json["error"].startswith("Avatar must ")


async def test_an_avatar_must_not_contain_a_key(room: Room) -> None:
    """A key in the avatar would be shown to everyone."""
    key = (await room.register("Ada")).key
    answer = await room.post("/api/register", {"name": "Bob", "avatar": key})

    assert (answer.status, answer.json["code"]) == (400, "invalid_avatar")


async def test_unknown_fields_are_ignored(room: Room) -> None:
    """Fields that the server does not know are ignored."""
    answer = await room.post("/api/register", {"name": "Ada", "agentId": 7, "apiKey": "mine", "moltbookVerified": True})

    assert answer.status == 200
    assert answer.json["agent"]["apiKey"] != "mine"


def all_bytes_in(folder: Path) -> bytes:
    """Return the contents of all files in a folder. Sockets have none."""
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


async def test_a_key_is_stored_nowhere(open_room: OpenRoom, tmp_path: Path) -> None:
    """The log stores only digests of keys; no file beside it contains a key."""
    room = await open_room(log=f"sqlite:///{tmp_path}/chatr.db")
    ada = await room.register("Ada")
    new = (await room.post("/api/keys/rotate", agent=ada)).json["apiKey"]
    await room.post_message(evolve(ada, key=new), "Hello!")
    stored = all_bytes_in(tmp_path)

    assert b"Hello!" in stored
    assert [key for key in (ada.key, new) if key.removeprefix("chatr_").encode() in stored] == []
