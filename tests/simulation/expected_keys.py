"""Which API keys open which agents, computed from the records in plain words. Keys stand here as their digests."""

from collections.abc import Callable, Iterator
from math import inf

from attrs import define, field

from chatr.adapters.http.admission.authentication import agent_opened_by
from chatr.domain.events import AgentRegistered, Event
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyEvent, KeyIssued, KeyRevoked
from chatr.domain.room import Room


@define(eq=False)
class ExpectedKeys:
    """The keys of one branch of the log. `report` is called with a sentence for a record that must not be there.

    `agents`: the agent of each key that was ever issued. `open_until`: when each key that is not void becomes so, in
    milliseconds since 1970. `pending`: the key of each agent that was not used yet, and the grace of the others.
    `issued`: how often each agent was given a key. `repeatable`: agents whose registration may be repeated.
    """

    report: Callable[[str], None]
    agents: dict[str, str] = field(factory=dict)
    open_until: dict[str, float] = field(factory=dict)
    pending: dict[str, tuple[str, int]] = field(factory=dict)
    issued: dict[str, int] = field(factory=dict)
    repeatable: set[str] = field(factory=set)

    def apply(self, event: Event) -> None:
        """Take the next event of the log, of any type."""
        if isinstance(event, AgentRegistered):
            self._open(event.agent, event.key_digest)
            if event.request is not None:
                self.pending[event.agent] = event.key_digest, 0
                self.repeatable.add(event.agent)
        elif isinstance(event, KeyEvent):
            # A repeated registration is a key that nobody but the agent asked for.
            if not isinstance(event, KeyIssued) or event.by is not None:
                self.repeatable.discard(event.agent)
            self._change(event)

    def _change(self, event: KeyEvent) -> None:
        agent, digest = event.agent, event.key_digest
        match event:
            case KeyIssued():
                # A key that was never used makes way for the next one.
                if agent in self.pending:
                    self._close(self.pending[agent][0])
                self._open(agent, digest)
                self.pending[agent] = digest, event.grace
            case KeyActivated():
                self._activate(agent, digest, event.at)
            case KeyRevoked():
                self._close(digest)
                if self.pending.get(agent, ("",))[0] == digest:
                    del self.pending[agent]
            case AgentRecovered():
                for other in self.open_keys_of(agent):
                    self._close(other)
                self.pending.pop(agent, None)
                self._open(agent, digest)

    def open_keys_of(self, agent: str) -> list[str]:
        """The keys of an agent that are not void."""
        return [digest for digest in self.open_until if self.agents[digest] == agent]

    def opens(self, digest: str, at: int) -> bool:
        """Whether a key opens its agent at `at`."""
        return at < self.open_until.get(digest, 0)

    def _open(self, agent: str, digest: str) -> None:
        if digest in self.agents:
            self.report(f"key {digest:.8} is issued twice")
        self.agents[digest], self.open_until[digest] = agent, inf
        self.issued[agent] = self.issued.get(agent, 0) + 1

    def _activate(self, agent: str, digest: str, at: int) -> None:
        """The pending key was used: the others have no more than its grace."""
        expected, grace = self.pending.pop(agent, ("", 0))
        if digest != expected:
            self.report(f"key {digest:.8} of {agent} takes effect, and {expected or 'none':.8} was pending")
        for other in self.open_keys_of(agent):
            if other != digest:
                self.open_until[other] = min(self.open_until[other], at + grace)
                if self.open_until[other] <= at:
                    self._close(other)

    def _close(self, digest: str) -> None:
        """The key never opens again."""
        if self.open_until.pop(digest, None) is None:
            self.report(f"key {digest:.8} becomes void again")

    def differences(self, room: Room, now: int) -> Iterator[str]:
        """Yield a sentence for each key that a node with this room wrongly accepts or rejects."""
        for digest, agent in self.agents.items():
            opened, expected = agent_opened_by(room, digest, now), agent if self.opens(digest, now) else None
            if (opened.id if opened else None) != expected:
                yield f"key {digest:.8} opens {opened.id if opened else None} at {now}, not {expected}"
