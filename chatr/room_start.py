"""What is done once between the opening of a log and the first request, and at the end: the log is read to its head."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from chatr.adapters.http.starting_room import StartingRoom
from chatr.domain.commands import AdoptLimits
from chatr.node.node import Node
from chatr.past.checkpoint import Checkpoint
from chatr.ports import Clock, EventLog, LogUnavailable
from chatr.service_notification import notify_start_progress
from chatr.settings import Settings

PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two log lines about a log that takes long to read."""

logger = structlog.get_logger()


@asynccontextmanager
async def written_at_end(node: Node, checkpoint: Checkpoint) -> AsyncIterator[None]:
    """Write the checkpoint when the block ends, also by a signal, but not by an error.

    After an error a record may be half folded, and the checkpoint would keep that state.
    """
    try:
        yield
    except asyncio.CancelledError:
        # A signal cancels the task that has the room open, so this is the usual end and not an error.
        await checkpoint.close(node.room)
        raise
    await checkpoint.close(node.room)


async def catch_up(
    node: Node,
    event_log: EventLog,
    following: asyncio.Task[None],
    progress_interval: float = PROGRESS_INTERVAL,
    starting: StartingRoom | None = None,
) -> None:
    """Wait until the node has folded what the log holds, and log the progress while that takes long.

    `starting`, if given, shows the progress to clients.

    `following` is the task that folds; what it raises is raised here. Raises LogUnavailable.
    """
    head = await event_log.head()
    while (before := node.room.position) < head:
        if starting is not None:
            starting.position, starting.head_position = before, head
        reached = asyncio.create_task(node.follower.wait_until_folded(head))
        await asyncio.wait([reached, following], timeout=progress_interval, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        if following.done():
            following.result()
        if node.room.position < head:
            logger.info("reading_the_log", position=node.room.position, head=head)
            if node.room.position > before:
                notify_start_progress(node.room.position, head)
            # The log may have been restored to an earlier state meanwhile: then the first head is never reached.
            try:
                head = min(head, await event_log.head())
            except LogUnavailable as error:
                logger.warning("log_away", reason=str(error))


async def adopt_limits(node: Node, settings: Settings, clock: Clock) -> None:
    """Store the limits in a new log. In an older log only limits that the operator gives are adopted.

    A default must not override what the log holds: the operator may have given the limit at an earlier start.
    """
    old = node.room.rule_context
    # Limits that are not given stay as they are, and if nothing differs, `decide` returns AlreadyRecorded.
    await node.commands.handle(AdoptLimits(settings.limits(old.limits), clock.now()))
    # 0: a new log, whose first limits override nothing.
    if 0 < old.limits_position < node.room.rule_context.limits_position:
        logger.warning("limits_adopted", old=str(old.limits), new=str(node.room.rule_context.limits))
