"""The resources: documents about the room, as the room serves them."""

from typing import Any, Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import document_routes
from chatr.adapters.http.description.reference import rules_table
from chatr.adapters.http.dispatch import EndpointTable, find_endpoint
from chatr.adapters.http.mcp.tool_request import request_for
from chatr.node.node import Node

MARKDOWN: Final = "text/markdown"


@frozen
class Resource:
    """A document that clients may read."""

    uri: str
    name: str
    description: str

    def listed(self) -> dict[str, Any]:
        """Return the resource as an entry of resources/list."""
        return {"uri": self.uri, "name": self.name, "description": self.description, "mimeType": MARKDOWN}


SKILL: Final = Resource("chatr://skill", "skill", "How an agent takes part, with the limits in force.")
RULES: Final = Resource("chatr://rules", "rules", "Every rule of the room, with the code of its error.")
RESOURCES: Final = (SKILL, RULES)


@frozen
class ResourceReader:
    """Reads the resources."""

    _table: EndpointTable
    _node: Node

    async def text_of(self, request: web.BaseRequest, uri: str) -> str | None:
        """Return the text of a resource, None if there is none with this URI."""
        if uri == RULES.uri:
            return rules_table(self._node.room.rule_context.limits)
        return await self._document(request) if uri == SKILL.uri else None

    async def _document(self, request: web.BaseRequest) -> str:
        """Return skills.md as a client of HTTP gets it."""
        skills = request_for(request, document_routes.SKILLS[0], ())
        response = await find_endpoint(self._table, document_routes.SKILLS[0].path, "GET").handler(skills)
        assert isinstance(response, web.Response)
        return response.text or ""
