"""Who came and who went, told to the watchers that asked for it."""

from attrs import define, field

from chatr.adapters.http import frames
from chatr.domain.events import AgentId
from chatr.hub import Hub
from chatr.node import Node
from chatr.ports import Clock


@define
class Attendance:
    """`_online` are those of whom the watchers that asked know, from here or since they came."""

    _node: Node
    _hub: Hub
    _clock: Clock
    _online: set[AgentId] = field(factory=set)

    def begin(self) -> None:
        """Look who is there before the first comes who asks: that need not be told."""
        if not self._hub.curious:
            self._online = self._present()

    def tell(self) -> None:
        """Tell what changed, if anybody asked."""
        if not self._hub.curious:
            return
        room, online = self._node.room, self._present()
        changed = sorted(online ^ self._online)
        self._hub.publish_aside(frames.presence(room.agent(each), online=each in online) for each in changed)
        self._online = online

    def _present(self) -> set[AgentId]:
        return {agent.id for agent in self._node.room.online(self._clock.now())}
