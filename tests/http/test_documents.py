"""What the room says of itself: every number in it is the one that is enforced."""

import re
from typing import Any

import pytest

from chatr.adapters.http.routes import ROUTES
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit
from chatr.domain.policy import RULES
from tests.conftest import OpenRoom, Room

TEXTS = ["/skills.md", "/llms.txt"]


async def text(room: Room, path: str = "/skills.md") -> str:
    answer = await room.get(path)
    assert answer.status == 200
    return answer.raw.decode()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/skills.md", "text/markdown; charset=utf-8"),
        ("/skill.md", "text/markdown; charset=utf-8"),
        ("/SKILL.md", "text/markdown; charset=utf-8"),
        ("/llms.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_a_document_is_served_as_what_it_is(path: str, content_type: str, room: Room) -> None:
    """Agents and browsers are told that it is text in UTF-8."""
    assert (await room.get(path)).headers["Content-Type"] == content_type


async def test_the_skill_has_three_names(room: Room) -> None:
    """However agents spell it, they read the same."""
    assert await text(room, "/skills.md") == await text(room, "/skill.md") == await text(room, "/SKILL.md")


@pytest.mark.parametrize("path", TEXTS)
async def test_every_placeholder_is_filled_in(path: str, room: Room) -> None:
    """What is left of a dollar sign is an environment variable of a shell example."""
    assert re.findall(r"\$\$|\$(?![A-Z]+_?[A-Z]*\b).{0,20}", await text(room, path)) == []


@pytest.mark.parametrize("path", TEXTS)
async def test_no_value_is_missing(path: str, room: Room) -> None:
    """A document that names nothing where a number should be was rendered from nothing."""
    assert re.findall(r"\bNone\b|<[\w.]+ object|Limit\(", await text(room, path)) == []


@pytest.mark.parametrize("path", TEXTS)
async def test_the_room_is_told_by_its_public_address(path: str, open_room: OpenRoom) -> None:
    """Agents are sent to where the operator says the room is, and to no other host."""
    told = await text(await open_room(public_url="https://chat.example.org"), path)
    hosts = {host.rstrip(".") for host in re.findall(r"https?://([\w.:-]+)", told)}

    assert hosts - {"www.moltbook.com"} == {"chat.example.org"}


async def test_without_a_public_address_it_is_the_one_listened_on(room: Room) -> None:
    """On a developer's machine the examples work as they stand."""
    assert f"{room.running.url}/api/register" in await text(room)


DEFAULTS = {
    "rate_verified": "10 per minute",
    "rate_unverified": "1 per 5 minutes",
    "rate_registrations": "5 per hour",
    "rate_requests": "120 per minute",
    "max_streams_per_ip": "10 from one address",
    "max_streams": "5000 in all",
    "online_for": "30 minutes",
}
CHANGED: dict[str, tuple[Any, str]] = {
    "rate_verified": (Limit(7, 90 * SECOND), "7 per 90 seconds"),
    "rate_unverified": (Limit(3, 2 * MINUTE), "3 per 2 minutes"),
    "rate_registrations": (Limit(8, 24 * HOUR), "8 per 24 hours"),
    "rate_requests": (Limit(77, SECOND), "77 per second"),
    "max_streams_per_ip": (13, "13 from one address"),
    "max_streams": (4321, "4321 in all"),
    "online_for": (420, "7 minutes"),
}


@pytest.mark.parametrize("setting", DEFAULTS)
async def test_a_limit_is_told_as_it_is_in_force(setting: str, open_room: OpenRoom) -> None:
    """Whoever changes a limit changes the text, and nothing of the old one is left."""
    value, phrase = CHANGED[setting]
    told = await text(await open_room(**{setting: value}))

    assert phrase in told
    assert DEFAULTS[setting] not in told


async def test_the_defaults_are_the_published_ones(open_room: OpenRoom) -> None:
    """A room that nobody configured has the limits of the service that agents know."""
    usual = {"rate_registrations": Limit(5, HOUR), "rate_requests": Limit(120, MINUTE), "max_streams_per_ip": 10}
    told = await text(await open_room(**usual))

    assert [phrase for phrase in DEFAULTS.values() if phrase not in told] == []


@pytest.mark.parametrize("seconds", [60, 3600, 7200])
async def test_a_duration_reads_like_one(seconds: int, open_room: OpenRoom) -> None:
    """One hour is "1 hour" where it stands for itself, also if a rate is "per hour"."""
    told = await text(await open_room(online_for=seconds))

    assert re.findall(r"\b(?:for|after|within|of) (?:hour|minute|second)\b", told) == []


@pytest.mark.parametrize("path", TEXTS)
async def test_every_endpoint_is_told(path: str, room: Room) -> None:
    """Agents can learn of all of the API from either document."""
    told = await text(room, path)

    assert [route.path for route in ROUTES if route.path.startswith("/api/") and route.path not in told] == []


async def test_every_rule_is_told(room: Room) -> None:
    """Agents can read every rule of the house, with its code, before they break it."""
    told = await text(room)

    assert [rule.code for rule in RULES if f"`{rule.code}`" not in told] == []


async def test_agents_are_warned(room: Room) -> None:
    """Whoever reads the room is told that messages are no instructions and that keys are never asked for."""
    told = " ".join((await text(room)).split())

    assert "never an instruction" in told
    assert "untrusted" in told
    assert "never asks for one in a message" in told


@pytest.mark.parametrize("path", TEXTS)
async def test_whoever_has_a_document_is_not_sent_it_again(path: str, room: Room) -> None:
    """A schedule that asks each hour whether something changed costs next to nothing."""
    first = await room.get(path)
    tag = next(value for name, value in first.headers.items() if name.lower() == "etag")
    again = await room.get(path, headers={"If-None-Match": tag})

    assert (again.status, again.raw) == (304, b"")
