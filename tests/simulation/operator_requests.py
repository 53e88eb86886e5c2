"""What operators ask for, drawn from the seed: mostly what makes sense, and sometimes what is refused."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from attrs import define

from chatr.admin.requests import (
    AnyRequest,
    ApproveAgent,
    CloseTheRoom,
    EraseMessages,
    EraseMessagesOf,
    Instant,
    IssueAgentKey,
    OpenTheRoom,
    RegisterAgent,
    ReinstateAgent,
    RemoveMessages,
    RemoveMessagesOf,
    RestoreMessages,
    RestoreMessagesOf,
    RevokeAgentKeys,
    SuspendAgent,
    WithdrawVerification,
)
from chatr.domain.identity import AgentId
from chatr.domain.limits import HOUR, SECOND
from tests.simulation.branch import Branch

DURATIONS: Final = (None, 1, SECOND, 5 * SECOND, HOUR)
"""Milliseconds for which an agent is suspended; None: for ever."""
GRACES: Final = (0, 1, SECOND, HOUR)
"""Milliseconds for which old keys stay open beside one that an operator issued."""
NEWEST: Final = 40
"""Of so many newest messages some are removed."""
AGES: Final = (SECOND, 10 * SECOND, HOUR)
"""Milliseconds before now from which on all messages of an agent are removed or restored."""
DRY_RUNS: Final = 0.1
"""The probability that a command is a dry run."""
REASON: Final = "it was advertising"


@define
class RequestDraw:
    """Draws requests of the operator `by`, who knows the records of `branch`."""

    random: Random
    branch: Branch
    by: str
    dry_run: bool = False

    def request(self, weights: Mapping[str, float]) -> AnyRequest:
        """A request of a random kind. `weights` says how often each kind is drawn."""
        self.dry_run = self.random.random() < DRY_RUNS
        (name,) = self.random.choices(tuple(weights), tuple(weights.values()))
        return KINDS[name](self)

    def _agent(self) -> str:
        """The name of an agent, or rarely one that no agent has."""
        agents = list(self.branch.room.agents.values())
        return self.random.choice(agents).name if agents and self.random.random() < 0.98 else "nobody"

    def suspend(self) -> AnyRequest:
        """Suspend an agent."""
        agent, duration = self._agent(), self.random.choice(DURATIONS)
        return SuspendAgent(by=self.by, dry_run=self.dry_run, agent=agent, duration=duration, reason=REASON)

    def reinstate(self) -> AnyRequest:
        """End the suspension of an agent that was suspended, if there is one."""
        suspended = list(self.branch.moderation.suspended_until)
        agent = self.branch.room.agents[AgentId(self.random.choice(suspended))].name if suspended else self._agent()
        return ReinstateAgent(by=self.by, dry_run=self.dry_run, agent=agent)

    def approve(self) -> AnyRequest:
        """Approve an agent."""
        return ApproveAgent(by=self.by, dry_run=self.dry_run, agent=self._agent())

    def withdraw(self) -> AnyRequest:
        """Take an agent's approval and badge."""
        return WithdrawVerification(by=self.by, dry_run=self.dry_run, agent=self._agent(), reason=REASON)

    def register(self) -> AnyRequest:
        """Register an agent."""
        return RegisterAgent(
            by=self.by, dry_run=self.dry_run, agent=f"agent-{self.random.randint(20, 60)}", avatar=None
        )

    def issue_key(self) -> AnyRequest:
        """Give an agent a new key."""
        grace = self.random.choice(GRACES)
        return IssueAgentKey(by=self.by, dry_run=self.dry_run, agent=self._agent(), grace=grace)

    def revoke_keys(self) -> AnyRequest:
        """Make all keys of an agent void."""
        return RevokeAgentKeys(by=self.by, dry_run=self.dry_run, agent=self._agent())

    def remove(self) -> AnyRequest:
        """Remove some of the newest messages."""
        ids = self._ids([each.position for each in self.branch.messages[-NEWEST:]])
        return RemoveMessages(by=self.by, dry_run=self.dry_run, ids=ids, reason=REASON)

    def restore(self) -> AnyRequest:
        """Restore some of the messages that were removed."""
        return RestoreMessages(by=self.by, dry_run=self.dry_run, ids=self._ids(list(self.branch.moderation.removed)))

    def remove_all(self) -> AnyRequest:
        """Remove the messages that an agent posted lately."""
        agent, since = self._agent(), Instant(self.random.choice(AGES), is_ago=True)
        return RemoveMessagesOf(by=self.by, dry_run=self.dry_run, agent=agent, since=since, until=None, reason=REASON)

    def restore_all(self) -> AnyRequest:
        """Restore the messages that an agent posted lately."""
        agent, since = self._agent(), Instant(self.random.choice(AGES), is_ago=True)
        return RestoreMessagesOf(by=self.by, dry_run=self.dry_run, agent=agent, since=since, until=None)

    def erase(self) -> AnyRequest:
        """Erase some messages."""
        ids = self._ids(list(self.branch.by_position))
        return EraseMessages(by=self.by, dry_run=self.dry_run, ids=ids, reason=REASON)

    def erase_all(self) -> AnyRequest:
        """Erase all messages of an agent."""
        return EraseMessagesOf(by=self.by, dry_run=self.dry_run, agent=self._agent(), reason=REASON)

    def _ids(self, positions: Sequence[int]) -> tuple[int, ...]:
        """Up to four of these positions, or rarely one that may be that of no message."""
        if not positions or self.random.random() < 0.02:
            return (self.random.randint(1, self.branch.room.position + 2),)
        return tuple(self.random.choices(positions, k=self.random.randint(1, 4)))

    def close(self) -> AnyRequest:
        """Close the room."""
        return CloseTheRoom(by=self.by, dry_run=self.dry_run, reason=REASON)

    def open_again(self) -> AnyRequest:
        """Open the room."""
        return OpenTheRoom(by=self.by, dry_run=self.dry_run)


KINDS: Final[Mapping[str, Callable[[RequestDraw], AnyRequest]]] = {
    "suspend": RequestDraw.suspend,
    "reinstate": RequestDraw.reinstate,
    "approve": RequestDraw.approve,
    "withdraw": RequestDraw.withdraw,
    "register": RequestDraw.register,
    "issue key": RequestDraw.issue_key,
    "revoke keys": RequestDraw.revoke_keys,
    "remove": RequestDraw.remove,
    "restore": RequestDraw.restore,
    "remove all": RequestDraw.remove_all,
    "restore all": RequestDraw.restore_all,
    "erase": RequestDraw.erase,
    "erase all": RequestDraw.erase_all,
    "close": RequestDraw.close,
    "open": RequestDraw.open_again,
}
"""The kinds of requests that `Conditions.operators` names."""
