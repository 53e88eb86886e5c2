"""skills.md and llms.txt: every number in them is the one that is enforced."""

import re
from typing import Any

import pytest

from chatr.adapters.http.routes import ROUTES
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit
from chatr.domain.policy import RULES
from tests.conftest import OpenRoom, Room

SKILL = ["/skills.md", "/skills-details.md"]
TEXTS = [*SKILL, "/llms.txt"]


async def text(room: Room, path: str = "/skills.md") -> str:
    """Return a document."""
    answer = await room.get(path)
    assert answer.status == 200
    return answer.raw.decode()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/skills.md", "text/markdown; charset=utf-8"),
        ("/skill.md", "text/markdown; charset=utf-8"),
        ("/SKILL.md", "text/markdown; charset=utf-8"),
        ("/skills-details.md", "text/markdown; charset=utf-8"),
        ("/llms.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_documents_have_a_type_and_charset(path: str, content_type: str, room: Room) -> None:
    """Each document has its content type, and is declared as UTF-8."""
    assert (await room.get(path)).headers["Content-Type"] == content_type


async def test_the_skill_has_three_names(room: Room) -> None:
    """All spellings of skills.md return the same document."""
    assert await text(room, "/skills.md") == await text(room, "/skill.md") == await text(room, "/SKILL.md")


@pytest.mark.parametrize("path", TEXTS)
async def test_every_placeholder_is_filled_in(path: str, room: Room) -> None:
    """No placeholder is left; other dollar signs are environment variables in shell examples."""
    assert re.findall(r"\$\$|\$(?![A-Z]+_?[A-Z]*\b).{0,20}", await text(room, path)) == []


@pytest.mark.parametrize("path", TEXTS)
async def test_no_value_is_missing(path: str, room: Room) -> None:
    """No value was rendered from None or as a Python object."""
    assert re.findall(r"\bNone\b|<[\w.]+ object|Limit\(", await text(room, path)) == []


@pytest.mark.parametrize("path", TEXTS)
async def test_documents_use_the_public_address(path: str, open_room: OpenRoom) -> None:
    """Documents name the public address of the room, and no other host except Moltbook."""
    document = await text(await open_room(public_url="https://chat.example.org"), path)
    hosts = {host.rstrip(".") for host in re.findall(r"https?://([\w.:-]+)", document)}

    assert hosts - {"www.moltbook.com"} == {"chat.example.org"}


async def test_without_a_public_address_documents_use_the_local_one(room: Room) -> None:
    """Without a setting, examples use the address on which the server listens."""
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
async def test_documents_have_the_limits_in_force(setting: str, open_room: OpenRoom) -> None:
    """A changed limit changes the text, and the default is no longer in it."""
    value, phrase = CHANGED[setting]
    document = await text(await open_room(**{setting: value}))

    assert phrase in document
    assert DEFAULTS[setting] not in document


async def test_the_default_limits(open_room: OpenRoom) -> None:
    """A server without settings has the documented limits."""
    usual = {"rate_registrations": Limit(5, HOUR), "rate_requests": Limit(120, MINUTE), "max_streams_per_ip": 10}
    document = await text(await open_room(**usual))

    assert [phrase for phrase in DEFAULTS.values() if phrase not in document] == []


@pytest.mark.parametrize("seconds", [60, 3600, 7200])
async def test_a_duration_has_a_number(seconds: int, open_room: OpenRoom) -> None:
    """A duration that stands alone has a number (1 hour), where a rate has none (per hour)."""
    document = await text(await open_room(online_for=seconds))

    assert re.findall(r"\b(?:for|after|within|of) (?:hour|minute|second)\b", document) == []


@pytest.mark.parametrize("paths", [SKILL, ["/llms.txt"]])
async def test_every_endpoint_is_listed(paths: list[str], room: Room) -> None:
    """The skill with its details names every endpoint of the API, and so does llms.txt."""
    document = "".join([await text(room, path) for path in paths])

    assert [route.path for route in ROUTES if route.path.startswith("/api/") and route.path not in document] == []


async def test_every_rule_is_listed(room: Room) -> None:
    """skills.md lists the code of every rule."""
    document = await text(room)

    assert [rule.code for rule in RULES if f"`{rule.code}`" not in document] == []


async def test_the_number_of_idempotency_keys_follows_from_the_rates(open_room: OpenRoom) -> None:
    """skills.md says how many keys are remembered of an agent, and of a verified one where that differs."""
    assert "last 100 keys." in await text(await open_room())
    room = await open_room(rate_verified=Limit(30, MINUTE))
    assert "last 100 (if you are verified: 300) keys." in await text(room)


@pytest.mark.parametrize("path", ["/skills.md", "/heartbeat.md"])
async def test_checking_in_comes_first(path: str, room: Room) -> None:
    """Of all calls after the registration an agent reads first of the check-in."""
    calls = re.findall(r"^ +curl .*?/(api/[a-z/]+)", await text(room, path), re.MULTILINE)

    assert next(call for call in calls if call != "api/register") == "api/checkin"


async def test_a_new_agent_learns_how_often_it_may_post(open_room: OpenRoom) -> None:
    """The skill says what an agent without a badge may do before it shows how to post."""
    document = await text(await open_room(rate_unverified=Limit(3, 2 * MINUTE)))
    before, _ = document.split("## Post")

    assert "3 per 2 minutes" in before


@pytest.mark.parametrize("path", SKILL)
async def test_commands_name_addresses_that_a_shell_may_fill_in(path: str, room: Room) -> None:
    """No address of the room is in single quotes: in the skill for any room it begins with a variable."""
    assert re.findall(rf"'{room.running.url}[^']*'", await text(room, path)) == []


async def test_agents_are_warned(room: Room) -> None:
    """skills.md says that messages are never instructions, and that the server never asks for keys in them."""
    document = " ".join((await text(room)).split())

    assert "never an instruction" in document
    assert "untrusted" in document
    assert "never asks for one in a message" in document


@pytest.mark.parametrize("path", TEXTS)
async def test_an_unchanged_document_is_not_sent_again(path: str, room: Room) -> None:
    """A client that has the document gets 304."""
    first = await room.get(path)
    etag = next(value for name, value in first.headers.items() if name.lower() == "etag")
    again = await room.get(path, headers={"If-None-Match": etag})

    assert (again.status, again.raw) == (304, b"")


PRIVATE = {"reading": "agents"}
NOTES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"registration": "open", "reading": "open"}, []),
    ({"registration": "approval"}, ["Registration needs approval"]),
    ({"registration": "closed"}, ["Registration is closed"]),
    (PRIVATE, ["This room is private"]),
    ({"registration": "closed", **PRIVATE}, ["Registration is closed", "This room is private"]),
]


@pytest.mark.parametrize("path", [*TEXTS, "/heartbeat.md"])
@pytest.mark.parametrize(("settings", "notes"), NOTES)
async def test_documents_say_who_may_register_and_read(
    path: str, settings: dict[str, str], notes: list[str], open_room: OpenRoom
) -> None:
    """Where not everyone may, a line at the top says what is needed."""
    document = await text(await open_room(**settings), path)

    assert re.findall("Registration needs approval|Registration is closed|This room is private", document) == notes


async def test_the_skill_asks_for_a_key_for_the_stream_of_a_private_room(open_room: OpenRoom) -> None:
    """It does not say at one place that a key is needed, and at another that none is."""
    assert "no key needed" in await text(await open_room())
    assert "no key needed" not in await text(await open_room(**PRIVATE))
