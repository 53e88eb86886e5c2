"""What programs look for in well-known places, and the page on which people read it."""

import re
from hashlib import sha256

import pytest

from tests.conftest import OpenRoom, Room

INDEX = "/.well-known/agent-skills/index.json"


async def test_the_index_of_skills(room: Room) -> None:
    """The index is one of Agent Skills Discovery 0.2.0, with the name and description of the skill's front matter."""
    index = (await room.get(INDEX)).json
    (skill,) = index["skills"]
    _, front, _ = (await room.get(skill["url"])).raw.decode().split("---\n", 2)

    assert index["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    assert skill.keys() == {"name", "type", "description", "url", "digest"}
    assert (skill["name"], skill["type"]) == ("chatr", "skill-md")
    assert f"name: {skill['name']}\ndescription: {skill['description']}\n" in front
    assert 1 <= len(skill["description"]) <= 1024


@pytest.mark.parametrize("path", ["/skills.md", "/.well-known/agent-skills/chatr/SKILL.md"])
async def test_the_digest_is_that_of_what_is_served(path: str, open_room: OpenRoom) -> None:
    """Whoever was shown the index can tell that nobody exchanged the skill on its way, whatever the address is."""
    room = await open_room(public_url="https://chat.example.org")
    (skill,) = (await room.get(INDEX)).json["skills"]
    served = (await room.get(path)).raw

    assert skill["digest"] == f"sha256:{sha256(served).hexdigest()}"


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/",
        "/.well-known/security.txt",
        "/.well-known/agent-skills/",
        "/.well-known/agent-skills/x/SKILL.md",
    ],
)
async def test_what_is_not_well_known(path: str, room: Room) -> None:
    """A program that tries its luck is told so in JSON."""
    answer = await room.get(path)

    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_the_page_of_endpoints_asks_only_this_server(room: Room) -> None:
    """A person can read the endpoints where there is no other network."""
    page = (await room.get("/docs")).raw.decode()
    loaded = re.findall(r'(?:src|rel="(?:stylesheet|icon)" href)="([^"]+)"', page)
    statuses = {path: (await room.get(path)).status for path in (*loaded, "/openapi.json")}

    assert "/page/docs.js" in loaded
    assert set(statuses.values()) == {200}


async def test_a_problem_leads_to_where_it_is_explained(room: Room) -> None:
    """The type of a problem is an address of the page of endpoints, whose places are the codes."""
    problem = (await room.get("/nowhere", headers={"Accept": "application/problem+json"})).json
    path, _, code = problem["type"].partition("#")
    codes = {name.partition(".")[2] for name in (await room.get("/openapi.json")).json["components"]["responses"]}

    assert (await room.get(path)).status == 200
    assert code in codes
