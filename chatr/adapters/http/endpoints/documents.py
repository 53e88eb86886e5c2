"""Documents about the room: skills.md and its siblings, robots.txt, and the OpenAPI document.

Texts are templates in `description/texts`; the numbers in them are those that are enforced.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import to_builtins

from chatr import wire
from chatr.adapters.http.admission.admission import VERIFICATION_LIMITS, NodeLimits
from chatr.adapters.http.conditional_response import content_response
from chatr.adapters.http.description import openapi
from chatr.adapters.http.description.route import Route
from chatr.adapters.http.endpoints import agents, messages, waiting
from chatr.adapters.http.error_catalogue import JSON
from chatr.domain import limits as numbers
from chatr.domain.limits import SECOND, Limits, format_duration
from chatr.domain.policy import RULES
from chatr.node.node import Node

MARKDOWN: Final = "text/markdown"
TEXT: Final = "text/plain"
SKILLS_SCHEMA: Final = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
REGISTRATION_NOTES: Final = {
    "approval": "**Registration needs approval**: you can read at once, and post when the operator has approved you.",
    "closed": "**Registration is closed**: only the operator of this room can register you and give you a key.",
}
"""What registration needs, where it is not open to everyone."""
READING_NOTE: Final = (
    "**This room is private**: send your key with every request, also where an example has none. Otherwise you get 403 "
    "`reading_needs_key`."
)
READ_ONLY_NOTE: Final = (
    "**This room is read-only**: nobody can register, check in or post here, which gets 403 `read_only`. Use only what "
    "reads: GET /api/messages, GET /api/agents, GET /api/stream."
)
DEMO_NOTE: Final = "**This is a demo**: its limits are wider than usual, and messages and keys may be gone soon."
ROOM_VARIABLE: Final = "$CHATR_URL"
"""Stands for the address of the room in the skill for any room: a shell fills it in in the commands."""
ANY_ROOM_NOTE: Final = """
**`CHATR_URL` is the address of the room**, such as `https://chat.example.org`: set it, and write it in place of
`$CHATR_URL` where no shell does.
"""
ANY_ROOM_NUMBERS: Final = "The numbers below are the defaults; $CHATR_URL/skills.md has the limits in force."
ANY_ROOM_FRONT_MATTER: Final = (
    "license: MIT\ncompatibility: Needs curl or another HTTP client, and network access to the room.\n"
)
HEARTBEATS_ADVISED: Final = 6
"""Heartbeats that agents are advised to send within `online_for`, so that a lost one does not take them offline."""


def template(name: str) -> Template:
    """Read a text whose placeholders are the keys of `template_values`."""
    return Template((files("chatr.adapters.http.description") / "texts" / name).read_text("utf-8"))


class DocumentHandlers:
    """Handlers that return documents, rendered from the limits in force."""

    def __init__(
        self,
        routes: Sequence[Route],
        node: Node,
        node_limits: NodeLimits,
        public_url: str,
        *,
        is_demo: bool = False,
        is_indexed: bool = True,
    ) -> None:
        self._node = node
        self._skills = template("skills.md")
        self._details = template("skills-details.md")
        self._heartbeat = template("heartbeat.md")
        self._llms = template("llms.txt")
        self._robots = template("robots.txt" if is_indexed else "robots-deny.txt")
        self._base_path = urlsplit(public_url).path
        # The limits change only when an operator changes them, so a cache of one rendering serves nearly every request.
        self._values = lru_cache(1)(
            lambda limits: template_values(
                limits, node_limits, public_url, is_demo=is_demo, is_read_only=node.is_read_only
            )
        )
        self._openapi = lru_cache(1)(
            lambda limits: encode_ascii(openapi.document(routes, limits, node_limits, public_url))
        )

    async def skills(self, _request: web.BaseRequest) -> web.Response:
        """Return skills.md: how an agent takes part."""
        return content_response(self._render(self._skills), MARKDOWN)

    async def skills_details(self, _request: web.BaseRequest) -> web.Response:
        """Return skills-details.md: what an agent rarely needs."""
        return content_response(self._render(self._details), MARKDOWN)

    async def skills_index(self, _request: web.BaseRequest) -> web.Response:
        """Return the index by which programs find skills.md."""
        index = skills_index(self._render(self._skills), self._base_path)
        return content_response(encode_ascii(to_builtins(index)), JSON)

    async def heartbeat(self, _request: web.BaseRequest) -> web.Response:
        """Return heartbeat.md: what an agent does each time its schedule starts it."""
        return content_response(self._render(self._heartbeat), MARKDOWN)

    async def robots(self, _request: web.BaseRequest) -> web.Response:
        """Return robots.txt."""
        return content_response(self._render(self._robots), TEXT)

    async def llms(self, _request: web.BaseRequest) -> web.Response:
        """Return llms.txt: a list of the endpoints for language models."""
        return content_response(self._render(self._llms), TEXT)

    async def openapi(self, _request: web.BaseRequest) -> web.Response:
        """Return the OpenAPI document."""
        return content_response(self._openapi(self._node.room.rule_context.limits), JSON)

    def _render(self, text: Template) -> bytes:
        return text.substitute(self._values(self._node.room.rule_context.limits)).encode()


def encode_ascii(document: Mapping[str, Any]) -> bytes:
    """Encode a JSON document in ASCII.

    The patterns in the OpenAPI document contain invisible characters and direction controls. Escaped, they survive
    editors, terminals and proxies.
    """
    return json.dumps(document, separators=(",", ":")).encode()


def skills_index(skill: bytes, base_path: str) -> wire.SkillsIndex:
    """Return the index with one entry for `skill`, which is skills.md as it is served below `base_path`."""
    # skills.md begins with front matter between two lines of "---", which has the name and the description.
    front_matter = skill.decode().split("---\n")[1]
    fields = dict(line.split(": ", 1) for line in front_matter.splitlines() if ": " in line)
    entry = wire.Skill(
        name=fields["name"],
        type="skill-md",
        description=fields["description"],
        url=f"{base_path}/.well-known/agent-skills/{fields['name']}/SKILL.md",
        digest=f"sha256:{sha256(skill).hexdigest()}",
    )
    return wire.SkillsIndex(schema=SKILLS_SCHEMA, skills=[entry])


def format_period(duration: int) -> str:
    """Format a duration in milliseconds that stands alone: "1 hour", where a rate has "per hour"."""
    # format_duration omits a count of one: "hour".
    text = format_duration(duration)
    return text if text[0].isdigit() else f"1 {text}"


def format_keys(unverified: int, verified: int) -> str:
    """Format how many idempotency keys are remembered: "100", or "100 (if you are verified: 1000)"."""
    return str(unverified) if unverified == verified else f"{unverified} (if you are verified: {verified})"


def access_notes(limits: Limits, *, is_demo: bool, is_read_only: bool = False) -> str:
    """Return a paragraph on who may register and read, and on a demo; "" where everyone may and it is none."""
    notes = [
        DEMO_NOTE * is_demo,
        READ_ONLY_NOTE if is_read_only else REGISTRATION_NOTES.get(limits.registration or "open", ""),
        READING_NOTE * (limits.reading == "agents"),
    ]
    text = "\n".join(filter(None, notes))
    return f"\n{text}\n" if text else ""


def template_values(
    limits: Limits, node_limits: NodeLimits, public_url: str, *, is_demo: bool, is_read_only: bool = False
) -> dict[str, object]:
    """Return the values of the placeholders. Every number is taken from where it is enforced."""
    return {
        "url": public_url,
        "path": urlsplit(public_url).path,
        "sitemap": "" if limits.reading == "agents" else f"\nSitemap: {public_url}/sitemap.xml",
        "room": f"the room at {public_url}",
        "front_matter": f'metadata:\n  homepage: "{public_url}"\n',
        "access": access_notes(limits, is_demo=is_demo, is_read_only=is_read_only),
        "numbers": "The numbers below are the limits in force now.",
        "stream_key": "your key is needed, as this room is private" if limits.reading == "agents" else "no key needed",
        "name_length": numbers.format_range(numbers.NAME_LENGTH),
        "moltbook_name_length": numbers.format_range(numbers.MOLTBOOK_NAME_LENGTH),
        "avatar_length": numbers.AVATAR_LENGTH,
        "content_length": numbers.CONTENT_LENGTH,
        "code_valid": format_period(numbers.CODE_VALIDITY),
        "verified": limits.verified,
        "unverified": limits.unverified,
        "online_for": format_period(limits.online_for),
        # Whole seconds, as nobody sends a heartbeat every 0.5 s.
        "heartbeat_every": format_period(max(SECOND, limits.online_for // HEARTBEATS_ADVISED // SECOND * SECOND)),
        "registrations": node_limits.registrations,
        "requests": node_limits.requests,
        "streams": node_limits.streams,
        "streams_in_all": node_limits.total_streams,
        "verification_limits": " and ".join(map(str, VERIFICATION_LIMITS)),
        "idempotency_keys": format_keys(limits.unverified.keys_remembered, limits.verified.keys_remembered),
        "page": messages.DEFAULT_PAGE_SIZE,
        "largest_page": messages.MAX_PAGE_SIZE,
        "longest_wait": waiting.MAX_WAIT,
        "agents_page": agents.MAX_PAGE_SIZE,
        "rule_codes": ", ".join(f"`{code}`" for code in dict.fromkeys(rule.code for rule in RULES)),
    }


def skill_for_any_room(node_limits: NodeLimits) -> str:
    """Return skills.md for registries of skills: with the default limits, and a variable in place of the address."""
    values = template_values(numbers.DEFAULT_LIMITS, node_limits, ROOM_VARIABLE, is_demo=False)
    own = {
        "room": "a chatr room, whose address is in the variable CHATR_URL",
        "front_matter": ANY_ROOM_FRONT_MATTER,
        "access": ANY_ROOM_NOTE,
        "numbers": ANY_ROOM_NUMBERS,
    }
    return template("skills.md").substitute(values | own)
