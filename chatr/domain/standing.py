"""What operators decided about an agent: suspension and approval, folded from its events."""

from typing import Final, assert_never

from attrs import evolve

from chatr.domain.immutability import statically_frozen
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    MessageRemoved,
    MessageRestored,
    ModerationEvent,
    RecordsErased,
)


@statically_frozen
class Suspension:
    """Until when an agent is suspended, in milliseconds since 1970 (None: for ever), why and by whom."""

    until: int | None
    reason: str
    by: str

    def is_in_force(self, at: int) -> bool:
        """Whether it has not ended at `at`."""
        return self.until is None or at < self.until


@statically_frozen
class Standing:
    """What operators decided about an agent.

    `approval` is the position of the record by which an operator approved it; None: it is not approved. `is_waiting`:
    it registered while approval was needed, or lost its approval then.
    """

    suspension: Suspension | None = None
    approval: int | None = None
    is_waiting: bool = False


NO_STANDING: Final = Standing()


def standing_after(standing: Standing, event: ModerationEvent, position: int, *, needs_approval: bool) -> Standing:
    """The standing after the record at `position`. `needs_approval`: the limits in force demand approval."""
    match event:
        case AgentSuspended():
            return evolve(standing, suspension=Suspension(event.until, event.reason, event.by))
        case AgentReinstated():
            return evolve(standing, suspension=None)
        case AgentApproved():
            return evolve(standing, approval=position, is_waiting=False)
        case ApprovalWithdrawn():
            # In a room that needs no approval, an agent may post without one.
            return evolve(standing, approval=None, is_waiting=needs_approval)
        case BadgeWithdrawn() | MessageRemoved() | MessageRestored() | RecordsErased():
            return standing
        case _:
            assert_never(event)
