"""The web server: it connects the handlers with the node, and runs the background ticks of the stream."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import field, frozen

from chatr.adapters.http import response_cache
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.admission.reading import ReadingAccess
from chatr.adapters.http.dispatch import endpoint_table, request_handler
from chatr.adapters.http.endpoints.agents import AgentHandlers
from chatr.adapters.http.endpoints.archive import ArchiveHandlers
from chatr.adapters.http.endpoints.archived_messages import ArchivedMessages
from chatr.adapters.http.endpoints.checkin import CheckInHandlers
from chatr.adapters.http.endpoints.documents import DocumentHandlers
from chatr.adapters.http.endpoints.feeds import FeedHandlers
from chatr.adapters.http.endpoints.health import HealthHandlers
from chatr.adapters.http.endpoints.keys import KeyHandlers
from chatr.adapters.http.endpoints.log_head import LogHandlers
from chatr.adapters.http.endpoints.long_reads import LongReads
from chatr.adapters.http.endpoints.messages import MessageHandlers
from chatr.adapters.http.endpoints.recovery import RecoveryHandlers
from chatr.adapters.http.endpoints.registration import RegistrationHandlers
from chatr.adapters.http.endpoints.room_at import RoomAtHandlers
from chatr.adapters.http.endpoints.sitemap import SitemapHandlers
from chatr.adapters.http.endpoints.verification import VerificationHandlers, host_of
from chatr.adapters.http.endpoints.watch_page import PageHandlers
from chatr.adapters.http.erased_texts import ErasedTexts
from chatr.adapters.http.error_pages import with_error_pages
from chatr.adapters.http.handlers import Handlers
from chatr.adapters.http.http_settings import HttpSettings
from chatr.adapters.http.indexing import without_indexing
from chatr.adapters.http.listener import HttpListener
from chatr.adapters.http.mcp.endpoint import mcp_endpoint
from chatr.adapters.http.path_redirect import redirect_to_page
from chatr.adapters.http.routes import MCP, ROUTES
from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.endpoint import StreamHandlers
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.presence_feed import PresenceFeed
from chatr.adapters.http.stream.removed_feed import RemovedFeed
from chatr.node.node import Node
from chatr.ports import Clock, LogReader, Moltbook, Secrets

CLOSING_RETRY: Final = (1_000, 5_000)
"""Milliseconds. At shutdown each watcher is sent a random time in between, so that they do not all return together."""


@frozen
class HttpServer:
    """The web server with everything that its handlers need. It serves a listener while `open` is entered."""

    log: LogReader
    node: Node
    hub: Hub
    clock: Clock
    secrets: Secrets
    moltbook: Moltbook
    settings: HttpSettings
    presence_feed: PresenceFeed = field(init=False)
    removed_feed: RemovedFeed = field(init=False)
    reading: ReadingAccess = field(init=False)

    @presence_feed.default
    def _make_presence_feed(self) -> PresenceFeed:
        return PresenceFeed(self.node, self.hub, self.clock)

    @removed_feed.default
    def _make_removed_feed(self) -> RemovedFeed:
        feed = RemovedFeed(self.node, self.hub)
        # Before the messages of the same records are published.
        self.node.follower.add_listener(feed, first=True)
        return feed

    @reading.default
    def _make_reading(self) -> ReadingAccess:
        return ReadingAccess(self.node, self.clock)

    @asynccontextmanager
    async def open(self, listener: HttpListener) -> AsyncIterator[str]:
        """Serve the connections of `listener`, and yield the URL by which this machine reaches the server.

        On leaving, requests are ended first and streams then.
        """
        handlers = self._handlers(listener.admission, self.settings.public_url or listener.url)
        self.node.follower.add_listener(erased_texts(self.node, handlers))
        body_timeout = self.settings.timeouts.body
        table = endpoint_table(handlers.by_route(), self.node, self.clock, self.reading, body_timeout)
        mcp = mcp_endpoint(table, self.node, self.clock, listener.admission.request_limit, body_timeout)
        table = {**table, MCP.path: mcp}
        table = with_error_pages(table, listener.admission.request_limit)
        if not self.settings.is_indexed:
            table = without_indexing(table)
        if base_path := self.settings.base_path:
            table = {**table, "": redirect_to_page(base_path, body_timeout)}
        stream = handlers.stream
        await listener.open(request_handler(table, listener.admission), stream.watch, stream.watch_from_first_bytes)
        try:
            yield listener.url
        finally:
            # The order matters: each step ends what could still give work to the next one.
            listener.stop_accepting()
            self.node.follower.stop_waiting()  # long polls are answered now instead of holding up the rest
            # A store that hangs must not leave a post without an answer: then its outcome is unknown.
            give_up = asyncio.get_running_loop().call_later(
                self.settings.timeouts.shutdown, self.node.commands.stop_waiting
            )
            # Requests end before streams, so that a message posted last still reaches the watchers.
            await listener.close()
            give_up.cancel()
            totals = frames.stats(self.node.room, self.clock.now())
            await self.hub.close(lambda: frames.with_retry(random.randint(*CLOSING_RETRY), totals))  # noqa: S311 -- no secret

    def _handlers(self, admission: Admission, public_url: str) -> Handlers:
        node, clock, secrets, settings = self.node, self.clock, self.secrets, self.settings
        host = host_of(settings.public_url)
        archived = ArchivedMessages(node, settings.timeouts.room_at)
        reads = LongReads(admission.client_address, settings.timeouts.room_at)
        return Handlers(
            registration=RegistrationHandlers(node, clock, secrets, admission),
            messages=MessageHandlers(node, clock, secrets, admission, reads),
            checkin=CheckInHandlers(node, clock, self.log, admission),
            agents=AgentHandlers(node, clock, reads),
            room_at=RoomAtHandlers(node, self.log, settings.timeouts.room_at),
            verification=VerificationHandlers(node, clock, secrets, self.moltbook, admission, public_url, host),
            keys=KeyHandlers(node, clock, secrets),
            recovery=RecoveryHandlers(node, clock, secrets, self.moltbook, admission, public_url, host),
            stream=StreamHandlers(
                node,
                self.hub,
                clock,
                admission,
                self.presence_feed,
                settings.history,
                self.removed_feed,
                self.reading,
                settings.access_log,
            ),
            documents=DocumentHandlers(
                ROUTES, node, settings.limits, public_url, is_demo=settings.is_demo, is_indexed=settings.is_indexed
            ),
            log=LogHandlers(node),
            health=HealthHandlers(node),
            page=PageHandlers(node, public_url, is_demo=settings.is_demo, is_indexed=settings.is_indexed),
            archive=ArchiveHandlers(node, archived, public_url, settings.is_indexed),
            feeds=FeedHandlers(node, archived, public_url),
            sitemap=SitemapHandlers(node, public_url),
        )

    async def run_background(self) -> None:
        """Look after the watchers at every tick, drop those that may no longer read, and publish totals.

        Totals are published every `stats_every` ticks. Never returns.
        """
        while True:
            for _ in range(int(self.settings.stats_every)):
                await asyncio.sleep(self.settings.timeouts.tick)
                await self.hub.tick()
                # No record says when an old key expires, so the watchers are looked through at each tick.
                if self.reading.needs_key:
                    await self.hub.drop_readers(self.reading.may_read)
                await self.presence_feed.publish_changes()
            # Without watchers the frame would be encoded for nobody.
            if len(self.hub):
                self.hub.publish([frames.stats(self.node.room, self.clock.now())])


def erased_texts(node: Node, handlers: Handlers) -> ErasedTexts:
    """Return what empties the caches of these handlers after an erasure."""
    return ErasedTexts(
        (
            response_cache.forget_messages,
            node.newest.forget,
            handlers.room_at.forget_texts,
            handlers.stream.forget_texts,
            handlers.page.forget_texts,
        )
    )
