"""The room's description of itself, rendered from the limits in force."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any, Final

from aiohttp import ETag, web

from chatr.adapters.http import agents, messages, openapi
from chatr.adapters.http.door import LOOK_UPS, DoorLimits
from chatr.adapters.http.refusals import JSON
from chatr.adapters.http.route import Route
from chatr.domain import limits as house
from chatr.domain.limits import SECOND, Limits, spoken
from chatr.domain.policy import RULES
from chatr.node import Node

MARKDOWN: Final = "text/markdown"
SKILLS_SCHEMA: Final = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
HEARTBEATS: Final = 6
"""Advised within the time for which an agent stays online, so that a lost one does not matter."""


def template(name: str) -> Template:
    return Template((files(__package__) / "texts" / name).read_text("utf-8"))


class Documents:
    def __init__(self, routes: Sequence[Route], node: Node, door: DoorLimits, public_url: str) -> None:
        self._node = node
        self._skills = template("skills.md")
        self._heartbeat = template("heartbeat.md")
        self._llms = template("llms.txt")
        self._robots = template("robots.txt")
        self._words = lru_cache(1)(lambda limits: vocabulary(limits, door, public_url))
        self._openapi = lru_cache(1)(lambda limits: encoded(openapi.document(routes, limits, door, public_url)))

    async def skills(self, request: web.BaseRequest) -> web.Response:
        return served(request, self._rendered(self._skills), MARKDOWN)

    async def skills_index(self, request: web.BaseRequest) -> web.Response:
        return served(request, encoded(skills_index(self._rendered(self._skills))), JSON)

    async def heartbeat(self, request: web.BaseRequest) -> web.Response:
        return served(request, self._rendered(self._heartbeat), MARKDOWN)

    async def robots(self, request: web.BaseRequest) -> web.Response:
        return served(request, self._rendered(self._robots), "text/plain")

    async def llms(self, request: web.BaseRequest) -> web.Response:
        return served(request, self._rendered(self._llms), "text/plain")

    async def openapi(self, request: web.BaseRequest) -> web.Response:
        return served(request, self._openapi(self._node.room.house.limits), JSON)

    def _rendered(self, text: Template) -> bytes:
        return text.substitute(self._words(self._node.room.house.limits)).encode()


def served(
    request: web.BaseRequest, content: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The document, unless the client has it. Proxies that compress weaken tags, so weak ones count."""
    tag = ETag(sha256(content).hexdigest()[:16])
    if not {tag.value, "*"}.isdisjoint(each.value for each in request.if_none_match or ()):
        answer = web.Response(status=304, headers=headers)
    else:
        charset = "utf-8" if content_type.startswith(("text/", "image/svg")) else None
        answer = web.Response(body=content, content_type=content_type, charset=charset, headers=headers)
    answer.etag = tag
    return answer


def encoded(document: Mapping[str, Any]) -> bytes:
    """In ASCII: the patterns of what may be said name characters that no reader wants raw."""
    return json.dumps(document, separators=(",", ":")).encode()


def skills_index(skill: bytes) -> dict[str, Any]:
    """Agent Skills Discovery 0.2.0; `skill` is what is served, and its front matter says what it is."""
    front = dict(line.split(": ", 1) for line in skill.decode().split("---\n")[1].splitlines() if ": " in line)
    entry = {
        "name": front["name"],
        "type": "skill-md",
        "description": front["description"],
        "url": f"/.well-known/agent-skills/{front['name']}/SKILL.md",
        "digest": f"sha256:{sha256(skill).hexdigest()}",
    }
    return {"$schema": SKILLS_SCHEMA, "skills": [entry]}


def lasting(duration: int) -> str:
    """A duration that stands for itself: "1 hour", where a rate is "per hour"."""
    told = spoken(duration)
    return told if told[0].isdigit() else f"1 {told}"


def vocabulary(limits: Limits, door: DoorLimits, public_url: str) -> dict[str, object]:
    """What the texts may name: every number from where it is enforced."""
    return {
        "url": public_url,
        "name_length": house.length(house.NAME_LENGTH),
        "moltbook_name_length": house.length(house.MOLTBOOK_NAME_LENGTH),
        "avatar_length": house.AVATAR_LENGTH,
        "content_length": house.CONTENT_LENGTH,
        "code_valid": lasting(house.CODE_VALID),
        "verified": limits.verified,
        "unverified": limits.unverified,
        "online_for": lasting(limits.online_for),
        "heartbeat_every": lasting(max(SECOND, limits.online_for // HEARTBEATS // SECOND * SECOND)),
        "registrations": door.registrations,
        "requests": door.requests,
        "streams": door.streams,
        "streams_in_all": door.streams_in_all,
        "look_ups": " and ".join(map(str, LOOK_UPS)),
        "answers": house.ANSWERS_REMEMBERED,
        "missed": house.MESSAGES_KEPT - 1,
        "page": messages.PAGE,
        "largest_page": messages.LARGEST_PAGE,
        "longest_wait": messages.LONGEST_WAIT,
        "agents_page": agents.PAGE,
        "rules": "\n".join(f"- {rule.told(limits)} (`{rule.code}`)" for rule in RULES),
    }
