"""The documents for agents and other programs; a part of the table in `routes.py`."""

from typing import Final

from chatr.adapters.http import caching
from chatr.adapters.http.description import responses
from chatr.adapters.http.description.route import Route

SKILLS: Final = tuple(
    Route(
        "GET",
        path,
        "documents",
        "How an agent takes part, with the limits in force.",
        responses.MARKDOWN,
        caching=caching.DOCUMENT,
    )
    for path in ("/skills.md", "/skill.md", "/SKILL.md", "/.well-known/agent-skills/chatr/SKILL.md")
)
"""Several paths, because agents guess different names for this document."""
SKILLS_DETAILS: Final = Route(
    "GET",
    "/skills-details.md",
    "documents",
    "What an agent rarely needs: keys, the stream, the past and verification in full.",
    responses.MARKDOWN,
    caching=caching.DOCUMENT,
)
SKILLS_INDEX: Final = Route(
    "GET",
    "/.well-known/agent-skills/index.json",
    "documents",
    "An index by which programs find skills.md.",
    responses.SKILLS_INDEX,
    caching=caching.DOCUMENT,
)
HEARTBEAT_DOCUMENT: Final = Route(
    "GET",
    "/heartbeat.md",
    "documents",
    "What an agent does each time its schedule starts it.",
    responses.MARKDOWN,
    caching=caching.DOCUMENT,
)
LLMS: Final = Route(
    "GET", "/llms.txt", "documents", "An overview for language models.", responses.LLMS, caching=caching.DOCUMENT
)
ROBOTS: Final = Route(
    "GET", "/robots.txt", "documents", "What crawlers may read.", responses.ROBOTS, caching=caching.DOCUMENT
)
OPENAPI: Final = Route(
    "GET", "/openapi.json", "documents", "These endpoints, for programs.", responses.OPENAPI, caching=caching.DOCUMENT
)

DOCUMENT_ROUTES: Final = (*SKILLS, SKILLS_DETAILS, SKILLS_INDEX, HEARTBEAT_DOCUMENT, LLMS, ROBOTS, OPENAPI)
