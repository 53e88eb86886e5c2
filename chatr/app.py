"""Settings -> log, clock, node, web app. The one place that knows what the program is made of."""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

import structlog
from attrs import frozen

from chatr.adapters.export_file import export_reader
from chatr.adapters.http import frames
from chatr.adapters.http.door import DoorLimits
from chatr.adapters.http.site import Patience, Site, SiteSettings
from chatr.adapters.memory import MemoryLog
from chatr.adapters.moltbook import moltbook
from chatr.adapters.sqlite import sqlite_log, sqlite_reader
from chatr.adapters.system import SystemClock, SystemSecrets
from chatr.checkpoint import Checkpoint
from chatr.domain.commands import AdoptLimits
from chatr.domain.events import MessagePosted, Record
from chatr.domain.history import message_of
from chatr.hub import Hub
from chatr.node import Node
from chatr.ports import Clock, EventLog, LogReader, Unavailable
from chatr.settings import BadSetting, Settings

PROGRESS: Final = 1.0
"""Seconds between two lines about a log that takes long to read."""

log = structlog.get_logger()


@frozen
class Running:
    """A room that is open at `url`. What is `lasting` ends only with an error, and then the process must end."""

    url: str
    node: Node
    lasting: tuple[asyncio.Task[None], ...]


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock | None = None, hub: Hub | None = None, patience: Patience = Patience()
) -> AsyncIterator[Running]:
    """Open the room. Leaving the context closes it: no new requests, then no streams, then no log."""
    clock, secrets, hub = clock or SystemClock(), SystemSecrets(), Hub() if hub is None else hub
    async with (
        open_log(settings.log) as event_log,
        moltbook(settings.moltbook_url, settings.moltbook_key) as book,
    ):
        checkpoint = checkpoint_of(settings.log)
        node = Node(event_log, clock, secrets, lambda records: folded(hub, node, checkpoint, records), hub.cut)
        node.room = await checkpoint.load(event_log)
        site = Site(event_log, node, hub, clock, secrets, book, site_settings(settings, patience))
        async with kept(node, checkpoint), background(node.follow()) as following:
            await caught_up(node, event_log, following)
            await adopt_limits(node, settings, clock)
            async with site.open() as url, background(site.beat()) as beating:
                yield Running(url, node, (following, beating))


def open_log(url: str) -> AbstractAsyncContextManager[EventLog]:
    """The log that a setting names. Raises BadSetting; opening it raises Unusable."""
    file = sqlite_file(url)
    match url.partition(":")[0]:
        case "postgresql" | "postgres":
            log: AbstractAsyncContextManager[EventLog] = postgres().postgres_log(url)
            return log
        case "sqlite" if file:
            return sqlite_log(file)
        case "memory":
            return nullcontext(MemoryLog())
        case "nats":
            raise BadSetting("--log nats:// is not supported yet: use sqlite:///FILE or postgresql://….")
        case _:
            raise BadSetting(
                "--log must be sqlite:///FILE (sqlite:////FILE for an absolute path), postgresql://… or memory:."
            )


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite log; None for any other."""
    scheme, _, path = url.partition("///")
    return Path(path) if scheme == "sqlite:" and path.strip("/") else None


def postgres() -> ModuleType:
    """The store for several nodes, whose driver is an extra."""
    try:
        return import_module("chatr.adapters.postgres")
    except ImportError as error:
        raise BadSetting("--log postgresql:// needs the extra: pip install 'chatr[postgres]'.") from error


def open_reader(url: str) -> AbstractAsyncContextManager[LogReader]:
    """A log to be read only, beside whoever writes it. Raises BadSetting."""
    if url.startswith(("postgresql:", "postgres:")):
        reader: AbstractAsyncContextManager[LogReader] = postgres().postgres_reader(url)
        return reader
    if file := sqlite_file(url):
        return sqlite_reader(file)
    if url.endswith((".jsonl", ".jsonl.gz")) or Path(url).is_file():
        return export_reader(Path(url))
    shown = re.sub("//.*@", "//…@", url)  # there may be a password in it
    raise BadSetting(f"{shown} is no log that can be read: give sqlite:///FILE, postgresql://…, or an exported file.")


def site_settings(settings: Settings, patience: Patience) -> SiteSettings:
    limits = DoorLimits(
        settings.rate_requests, settings.rate_registrations, settings.max_streams_per_ip, settings.max_streams
    )
    return SiteSettings(
        limits,
        settings.host,
        settings.port,
        settings.public_url,
        settings.trusted_proxies,
        settings.history,
        settings.stats_every,
        patience,
    )


def checkpoint_of(url: str) -> Checkpoint:
    """Beside a log in a file lies what was made of it; other logs have no such place."""
    file = sqlite_file(url)
    return Checkpoint(Path(f"{file}.checkpoint") if file else None)


def folded(hub: Hub, node: Node, checkpoint: Checkpoint, records: Sequence[Record]) -> None:
    publish(hub, node, records)
    checkpoint.folded(node.room)


def publish(hub: Hub, node: Node, records: Sequence[Record]) -> None:
    """Tell the watchers what was said."""
    if len(hub):
        messages = [message_of(record) for record in records if isinstance(record.event, MessagePosted)]
        hub.publish(frames.message(node.room, message) for message in messages)


@asynccontextmanager
async def kept(node: Node, checkpoint: Checkpoint) -> AsyncIterator[None]:
    """Write the room down in the end, also at a signal; but not after an error, which may have left it half folded."""
    try:
        yield
    except asyncio.CancelledError:
        await checkpoint.close(node.room)
        raise
    await checkpoint.close(node.room)


@asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def caught_up(node: Node, event_log: EventLog, following: asyncio.Task[None]) -> None:
    """Wait until the node has folded what the log holds; say how far it is when that takes long."""
    head = await event_log.head()
    while node.room.position < head:
        arrived = asyncio.create_task(node.applied(head))
        await asyncio.wait([arrived, following], timeout=PROGRESS, return_when=asyncio.FIRST_COMPLETED)
        arrived.cancel()
        if following.done():
            following.result()
        if node.room.position < head:
            log.info("reading_the_log", position=node.room.position, head=head)
            with suppress(Unavailable):
                head = min(head, await event_log.head())  # it may have been restored meanwhile


async def adopt_limits(node: Node, settings: Settings, clock: Clock) -> None:
    """Begin a new log with the limits in force; later, only what the operator gives changes them."""
    old = node.room.house
    await node.handle(AdoptLimits(settings.limits(old.limits), clock.now()))
    if 0 < old.adopted < node.room.house.adopted:
        log.warning("limits_adopted", old=str(old.limits), new=str(node.room.house.limits))
