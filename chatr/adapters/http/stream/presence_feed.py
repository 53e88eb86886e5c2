"""Presence frames: who comes online and who goes offline, for the watchers that asked for it."""

import asyncio
from typing import Final

from attrs import frozen

from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.hub import Hub
from chatr.node.node import Node
from chatr.ports import Clock

MOST_CHANGES: Final = 1_000
"""Changes that are published at a time, about 130 kB. If more agents come or go at once, the rest follows later."""


@frozen
class PresenceFeed:
    """Keeps the room's presence up to date and publishes its changes."""

    _node: Node
    _hub: Hub
    _clock: Clock

    def start(self) -> None:
        """Forget earlier changes. To be called before a watcher that wants presence joins."""
        # Changes from a time without such watchers are not published to the first one that joins.
        if not self._hub.has_presence_watchers:
            self._node.room.advance_presence(self._clock.now())
            self._node.room.presence.forget_changes()

    async def advance(self) -> None:
        """Bring the room's presence to the present time, in steps between which other tasks run."""
        # The room is asked for each time, because the log may be replaced meanwhile.
        while not self._node.room.advance_presence(self._clock.now()):  # noqa: ASYNC110 -- a step of work, not a wait
            await asyncio.sleep(0)

    async def publish_changes(self) -> None:
        """Publish which agents came online or went offline since the last call. To be called every second."""
        await self.advance()
        room = self._node.room
        if not self._hub.has_presence_watchers:
            room.presence.forget_changes()
        elif changes := room.presence.take_changes(MOST_CHANGES):
            self._hub.publish_presence(frames.presence(room.agent(agent), online=online) for agent, online in changes)
