"""Well-known addresses for programs, and the page that shows the endpoints."""

import re
from hashlib import sha256

import pytest

from tests.conftest import OpenRoom, Room

INDEX = "/.well-known/agent-skills/index.json"


async def test_the_index_of_skills(room: Room) -> None:
    """The index has the form of Agent Skills Discovery 0.2.0, with name and description from skills.md."""
    index = (await room.get(INDEX)).json
    (skill,) = index["skills"]
    _, front, _ = (await room.get(skill["url"])).raw.decode().split("---\n", 2)

    assert index["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    assert skill.keys() == {"name", "type", "description", "url", "digest"}
    assert (skill["name"], skill["type"]) == ("chatr", "skill-md")
    assert f"name: {skill['name']}\ndescription: {skill['description']}\n" in front
    assert 1 <= len(skill["description"]) <= 1024


@pytest.mark.parametrize("path", ["/skills.md", "/.well-known/agent-skills/chatr/SKILL.md"])
async def test_the_digest_is_that_of_the_served_skill(path: str, open_room: OpenRoom) -> None:
    """The digest is that of the bytes that are served, whatever the public address is."""
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
async def test_other_well_known_addresses_do_not_exist(path: str, room: Room) -> None:
    """Other addresses under /.well-known/ return 404 in JSON."""
    answer = await room.get(path)

    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_the_docs_page_loads_only_from_this_server(room: Room) -> None:
    """All that the page loads is served here, so it works without another network."""
    page = (await room.get("/docs")).raw.decode()
    loaded = re.findall(r'(?:src|rel="(?:stylesheet|icon|alternate)" href)="([^"]+)"', page)
    statuses = {path: (await room.get(f"/{path}")).status for path in loaded}

    assert {"page/docs.js", "openapi.json"} <= set(loaded)
    assert set(statuses.values()) == {200}


async def test_the_type_of_a_problem_is_a_place_on_the_docs_page(room: Room) -> None:
    """The type of a problem is the address of the docs page with the error code."""
    problem = (await room.get("/nowhere", headers={"Accept": "application/problem+json"})).json
    path, _, code = problem["type"].partition("#")
    codes = {name.partition(".")[2] for name in (await room.get("/openapi.json")).json["components"]["responses"]}

    assert (await room.get(path)).status == 200
    assert code in codes
