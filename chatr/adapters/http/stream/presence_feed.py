"""Presence frames: who comes online and who goes offline, for the watchers that asked for it."""

from attrs import define, field

from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.hub import Hub
from chatr.domain.events import AgentId
from chatr.node.node import Node
from chatr.ports import Clock


@define
class PresenceFeed:
    """Publishes changes of presence. `_online` are the agents that were online when they were last compared."""

    _node: Node
    _hub: Hub
    _clock: Clock
    _online: set[AgentId] = field(factory=set)

    def start(self) -> None:
        """Remember which agents are online now. To be called before a watcher that wants presence joins."""
        # Changes from a time without such watchers are not published to the first one that joins.
        if not self._hub.has_presence_watchers:
            self._online = self._agents_online()

    def publish_changes(self) -> None:
        """Publish which agents came online or went offline since the last call. To be called every second."""
        # An agent also goes offline without a record, when its time runs out: hence the comparison at every tick.
        if not self._hub.has_presence_watchers:
            return
        room, online = self._node.room, self._agents_online()
        changed = sorted(online ^ self._online)
        self._hub.publish_presence(frames.presence(room.agent(agent), online=agent in online) for agent in changed)
        self._online = online

    def _agents_online(self) -> set[AgentId]:
        return {agent.id for agent in self._node.room.online_agents(self._clock.now())}
