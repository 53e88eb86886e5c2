"""The composition root: puts log, clock, node and web server together. The only module that knows all the parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from socket import socket
from typing import Final

from attrs import evolve, frozen

from chatr.adapters.http.http_settings import DEFAULT_HTTP_TIMEOUTS, HttpSettings, HttpTimeouts
from chatr.adapters.http.listener import HttpListener, listening
from chatr.adapters.http.server import HttpServer
from chatr.adapters.http.server_state import ServerState
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.live_messages import LiveMessages
from chatr.adapters.metrics.room_metrics import RoomMetrics, serving_metrics
from chatr.adapters.moltbook import open_moltbook
from chatr.adapters.search.fts5 import Fts5Index, closed_at_end
from chatr.adapters.stores.urls import admin_socket, checkpoint_file, open_log, open_unchanged, search_file
from chatr.adapters.system import SystemClock, SystemSecrets
from chatr.admin.operator import AdminNode
from chatr.admin.server import serving_operators
from chatr.admin.socket_file import admin_listener
from chatr.background_tasks import all_in_background, background
from chatr.node.erasing import Erasing
from chatr.node.follower import Follower
from chatr.node.listener import Listener
from chatr.node.message_search import MessageSearch
from chatr.node.node import Node
from chatr.node.read_only_log import ReadOnlyLog
from chatr.node.scrubber import Scrubber
from chatr.node.search_indexer import SearchIndexer
from chatr.node.timeouts import DEFAULT_NODE_TIMEOUTS, NodeTimeouts
from chatr.past.checkpoint import Checkpoint, room_of_checkpoint
from chatr.ports import BringsClock, Clock, EventLog, Moltbook, Secrets
from chatr.room_start import PROGRESS_INTERVAL, adopt_limits, catch_up, written_at_end
from chatr.settings import Settings
from chatr.web_settings import http_settings

# Whoever runs a room in a program of its own needs tasks beside it.
__all__ = ["RunningRoom", "background", "running_room"]


@frozen
class Timeouts:
    """The time-outs of the web server and of the node, and the interval of progress lines at the start, in seconds."""

    http: HttpTimeouts = DEFAULT_HTTP_TIMEOUTS
    node: NodeTimeouts = DEFAULT_NODE_TIMEOUTS
    progress_interval: float = PROGRESS_INTERVAL


DEFAULT_TIMEOUTS: Final = Timeouts()


@frozen
class RunningRoom:
    """A room that is open at `url`. The `background_tasks` end only with an error; then the process must end too."""

    url: str
    node: Node
    erasing: Erasing
    background_tasks: tuple[asyncio.Task[None], ...]


@asynccontextmanager
async def running_room(  # noqa: PLR0913 -- named arguments, of which most only replace a part in tests
    settings: Settings,
    *,
    event_log: EventLog | None = None,
    clock: Clock | None = None,
    hub: Hub | None = None,
    moltbook_client: Moltbook | None = None,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    accept_loss: bool = False,
    demo: bool = False,
) -> AsyncIterator[RunningRoom]:
    """Open the room and yield it. Leaving the context closes it: first requests, then streams, then the log.

    `event_log`, `clock`, `hub` and `moltbook_client` replace what the settings would make; `settings.log` still decides
    where the checkpoint is. `accept_loss` opens a log that lost records. A `demo` says on its page and in its documents
    that it is one. Raises CannotOpenLog, CannotListen, CannotServeMetrics, or what the log raises while it is read:
    LogUnavailable, OutcomeUnknown, UnreadableRecord; BadSetting for a public URL whose path the room cannot be below.
    """
    # `hub or Hub()` would replace a given hub that has no watchers: its length is 0, so it is false.
    hub = Hub() if hub is None else hub
    http = evolve(http_settings(settings, timeouts.http), is_demo=demo)
    # The server listens first: supervisors end a process that does not answer, and a long log takes long to read. An
    # address in use is reported before the log is opened for writing.
    async with (
        serving_metrics(settings.metrics) as metrics,
        # The listener only measures how much time passed.
        listening(http, clock or SystemClock(), metrics.requests) as listener,
        log_for(settings, event_log, accept_loss=accept_loss) as log,
        admin_listener_for(settings) as admin,
        moltbook_for(settings, moltbook_client) as client,
    ):
        listener.announce()
        clock = clock or (log.clock if isinstance(log, BringsClock) else SystemClock())
        opened = Opened(log, clock, SystemSecrets(), hub, client, listener, admin, metrics)
        async with room_on(opened, settings, http, timeouts, accept_loss=accept_loss) as room:
            yield room


@frozen
class Opened:
    """What a room needs of the world outside, opened."""

    log: EventLog
    clock: Clock
    secrets: Secrets
    hub: Hub
    moltbook: Moltbook
    listener: HttpListener
    admin: socket | None
    metrics: RoomMetrics


@asynccontextmanager
async def room_on(
    opened: Opened, settings: Settings, http: HttpSettings, timeouts: Timeouts, *, accept_loss: bool
) -> AsyncIterator[RunningRoom]:
    """Read the log, then serve the room. Raises what `running_room` raises while the log is read."""
    log, clock, secrets, metrics = opened.log, opened.clock, opened.secrets, opened.metrics
    if settings.read_only:
        checkpoint, room = Checkpoint(None), await room_of_checkpoint(checkpoint_file(settings.log), log)
    else:
        checkpoint = checkpoint_for(settings)
        room = await checkpoint.load(log, accept_loss=accept_loss)
    index = search_index_for(settings)
    indexer = SearchIndexer(index, log, room)
    erasing = Erasing(log, [checkpoint, indexer], timeouts.node.retry_pause)
    listeners: list[Listener] = [LiveMessages(opened.hub), checkpoint, erasing, indexer, *metrics.listeners]
    follower = Follower(log, room, listeners, timeouts.node)
    del room  # if the log is replaced, its texts could not be erased
    node = Node.create(log, follower, clock, secrets)
    node = evolve(node, search=MessageSearch(index, indexer), is_read_only=settings.read_only)
    metrics.show(ServerState(opened.listener, opened.hub), node, log, clock, node.integrity)
    server = HttpServer(log, node, opened.hub, clock, secrets, opened.moltbook, http)
    scrubber = background(Scrubber(log, follower).run())
    # The follower must have stopped before the checkpoint is written, or it would fold records meanwhile.
    index_closed = closed_at_end(index)
    async with index_closed, written_at_end(node, checkpoint), scrubber, background(follower.run()) as following:
        await catch_up(node, log, following, timeouts.progress_interval, opened.listener.starting)
        await prepare_to_serve(node, settings, clock, server, metrics)
        operators = serving_operators(opened.admin, AdminNode(node, log, clock, secrets, erasing))
        works = all_in_background(erasing.run(node.room), indexer.run(), server.run_background())
        async with operators, server.open(opened.listener) as url, works as tasks:
            yield RunningRoom(url, node, erasing, (following, *tasks))


async def prepare_to_serve(
    node: Node, settings: Settings, clock: Clock, server: HttpServer, metrics: RoomMetrics
) -> None:
    """Do what has to be done once the log is read, and before the first request."""
    node.integrity.check_from_now_on(node.room)
    if not node.is_read_only:
        # Only now: limits are decided by what the log holds.
        await adopt_limits(node, settings, clock)
    # The first list of who is online is made of all agents, which a request should not wait for.
    await server.presence_feed.advance()
    metrics.count_records()


def log_for(
    settings: Settings, event_log: EventLog | None, *, accept_loss: bool
) -> AbstractAsyncContextManager[EventLog]:
    """The given log, which its owner closes, or the one that the settings name."""
    if event_log is not None:
        return nullcontext(ReadOnlyLog(event_log) if settings.read_only else event_log)
    return read_only_log(settings) if settings.read_only else open_log(settings.log, accept_loss=accept_loss)


@asynccontextmanager
async def read_only_log(settings: Settings) -> AsyncIterator[EventLog]:
    """Open the log that the settings name for reading only."""
    async with open_unchanged(settings.log) as reader:
        yield ReadOnlyLog(reader)


def admin_listener_for(settings: Settings) -> AbstractAsyncContextManager[socket | None]:
    """The socket for operators' commands, or None if the settings and the store have none."""
    if settings.read_only:
        return nullcontext()
    path = admin_socket(settings.log, settings.admin_socket)
    return admin_listener(path, required=settings.admin_socket is not None)


def moltbook_for(settings: Settings, client: Moltbook | None) -> AbstractAsyncContextManager[Moltbook]:
    """The given client of Moltbook, or one for the address and key of the settings."""
    return open_moltbook(settings.moltbook_url, settings.moltbook_key) if client is None else nullcontext(client)


def search_index_for(settings: Settings) -> Fts5Index:
    """The search index in the file of the settings, beside the log, or in a temporary file if the room is read-only."""
    given = settings.search_index
    path = None if settings.read_only and given is None else search_file(settings.log, given)
    return Fts5Index(path, replaces_foreign_file=given is None)


def checkpoint_for(settings: Settings) -> Checkpoint:
    """The checkpoint beside a SQLite file. Other stores have no place for one, and none is written."""
    return Checkpoint(checkpoint_file(settings.log))
