"""A node that runs only during an operator's command. It serves no clients, adopts no limits and migrates nothing."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatr.adapters.search.fts5 import Fts5Index, closed_at_end
from chatr.adapters.stores.urls import checkpoint_file, open_current_log, search_file
from chatr.adapters.system import SystemClock, SystemSecrets
from chatr.admin.operator import AdminNode
from chatr.background_tasks import background
from chatr.cli.output.progress import progress
from chatr.environment import variable_value
from chatr.node.erasing import Erasing
from chatr.node.follower import Follower
from chatr.node.node import Node
from chatr.node.search_indexer import SearchIndexer
from chatr.past.checkpoint import Checkpoint
from chatr.past.replay import replay
from chatr.ports import BringsClock
from chatr.secret import Secret
from chatr.settings import variable


@asynccontextmanager
async def short_lived_node(log_url: str | Secret) -> AsyncIterator[AdminNode]:
    """Yield a node on the log, which has folded all of it. Shows progress. Raises CannotOpenLog or LogUnavailable."""
    given = variable_value(os.environ, variable("search_index"))
    index = Fts5Index(search_file(log_url, given), replaces_foreign_file=given is None)
    async with open_current_log(log_url) as log, closed_at_end(index):
        checkpoint = Checkpoint(checkpoint_file(log_url))
        # Folded here and not by the follower: that shows no progress, and `catch_up` waits for it for five seconds.
        room, head = await checkpoint.load(log), await log.head()
        with progress("reading the log", head, room.position) as show_position:
            await replay(log, room, head, show_position)
        clock, secrets = log.clock if isinstance(log, BringsClock) else SystemClock(), SystemSecrets()
        # It adds nothing to the index of a server, and takes erased texts out of it.
        indexer = SearchIndexer(index, log, room)
        erasing = Erasing(log, [checkpoint, indexer])
        follower = Follower(log, room, [erasing, indexer])
        node = Node.create(log, follower, clock, secrets)
        async with background(follower.run()), background(erasing.run(room)):
            yield AdminNode(node, log, clock, secrets, erasing)
        # The next start, of a node or a command, need not read again what this one has read.
        await checkpoint.close(follower.room)
