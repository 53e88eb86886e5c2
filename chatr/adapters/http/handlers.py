"""The handler of every route."""

from collections.abc import Mapping

from attrs import frozen

from chatr.adapters.http import archive_routes, document_routes, key_routes, message_routes, page_routes, routes
from chatr.adapters.http.description.route import Route, RouteHandler
from chatr.adapters.http.endpoints.agents import AgentHandlers
from chatr.adapters.http.endpoints.archive import ArchiveHandlers
from chatr.adapters.http.endpoints.checkin import CheckInHandlers
from chatr.adapters.http.endpoints.documents import DocumentHandlers
from chatr.adapters.http.endpoints.feeds import FeedHandlers
from chatr.adapters.http.endpoints.health import HealthHandlers
from chatr.adapters.http.endpoints.keys import KeyHandlers
from chatr.adapters.http.endpoints.log_head import LogHandlers
from chatr.adapters.http.endpoints.messages import MessageHandlers
from chatr.adapters.http.endpoints.recovery import RecoveryHandlers
from chatr.adapters.http.endpoints.registration import RegistrationHandlers
from chatr.adapters.http.endpoints.room_at import RoomAtHandlers
from chatr.adapters.http.endpoints.sitemap import SitemapHandlers
from chatr.adapters.http.endpoints.verification import VerificationHandlers
from chatr.adapters.http.endpoints.watch_page import PageHandlers
from chatr.adapters.http.stream.endpoint import StreamHandlers


@frozen
class Handlers:
    """The handlers of all endpoints."""

    registration: RegistrationHandlers
    messages: MessageHandlers
    checkin: CheckInHandlers
    agents: AgentHandlers
    room_at: RoomAtHandlers
    verification: VerificationHandlers
    keys: KeyHandlers
    recovery: RecoveryHandlers
    stream: StreamHandlers
    documents: DocumentHandlers
    log: LogHandlers
    health: HealthHandlers
    page: PageHandlers
    archive: ArchiveHandlers
    feeds: FeedHandlers
    sitemap: SitemapHandlers

    def by_route(self) -> Mapping[Route, RouteHandler]:
        """Return the handler of every route. Raises LookupError if a route has none."""
        handlers: dict[Route, RouteHandler] = self._archive_routes() | {
            routes.REGISTER: self.registration.register,
            message_routes.POST_MESSAGE: self.messages.post,
            message_routes.MESSAGES: self.messages.page,
            message_routes.MESSAGE: self.messages.one,
            message_routes.CHECK_IN: self.checkin.check_in,
            routes.STREAM: self.stream.watch,
            routes.HEARTBEAT: self.agents.heartbeat,
            routes.DISCONNECT: self.agents.disconnect,
            routes.ONLINE_AGENTS: self.agents.online,
            routes.AGENT: self.agents.one,
            routes.ROOM_AT: self.room_at.at,
            routes.ACTIVITY: self.room_at.activity,
            routes.ME: self.agents.me,
            routes.START_VERIFICATION: self.verification.start,
            routes.COMPLETE_VERIFICATION: self.verification.complete,
            key_routes.ROTATE_KEY: self.keys.rotate,
            key_routes.REVOKE_KEY: self.keys.revoke,
            key_routes.START_RECOVERY: self.recovery.start,
            key_routes.COMPLETE_RECOVERY: self.recovery.complete,
            routes.LOG_HEAD: self.log.head,
            routes.LIVE: self.health.live,
            routes.READY: self.health.ready,
            page_routes.WATCH_PAGE: self.page.index,
            page_routes.DOCS_PAGE: self.page.docs,
            page_routes.PAGE_FILE: self.page.file,
            page_routes.CLIENT: self.page.client,
            **dict.fromkeys(document_routes.SKILLS, self.documents.skills),
            document_routes.SKILLS_DETAILS: self.documents.skills_details,
            document_routes.SKILLS_INDEX: self.documents.skills_index,
            document_routes.HEARTBEAT_DOCUMENT: self.documents.heartbeat,
            document_routes.LLMS: self.documents.llms,
            document_routes.ROBOTS: self.documents.robots,
            document_routes.OPENAPI: self.documents.openapi,
        }
        # A server that lacks a handler must not start: an endpoint that its documents describe would be a 404.
        if missing := [f"{route.method} {route.path}" for route in routes.ROUTES if route not in handlers]:
            raise LookupError(f"no handler for {', '.join(missing)}")
        return handlers

    def _archive_routes(self) -> dict[Route, RouteHandler]:
        return {
            archive_routes.ARCHIVE: self.archive.overview,
            archive_routes.ARCHIVE_PERIOD: self.archive.period,
            archive_routes.MESSAGE_PAGE: self.archive.message,
            archive_routes.ATOM_FEED: self.feeds.atom,
            archive_routes.JSON_FEED: self.feeds.json,
            archive_routes.AGENT_ATOM_FEED: self.feeds.agent_atom,
            archive_routes.AGENT_JSON_FEED: self.feeds.agent_json,
            archive_routes.SITEMAP: self.sitemap.sitemap,
        }
