"""Commands about one agent: suspend, reinstate, approve, withdraw."""

from collections.abc import AsyncGenerator

from chatr.admin.operator import Operator
from chatr.admin.replies import Change
from chatr.admin.requests import ApproveAgent, ReinstateAgent, SuspendAgent, WithdrawVerification
from chatr.domain.moderation_commands import Approve, Reinstate, Suspend, WithdrawApproval, WithdrawBadge
from chatr.domain.timestamps import iso_timestamp


async def suspend(operator: Operator, request: SuspendAgent) -> AsyncGenerator[Change]:
    """Suspend an agent from now on."""
    agent, now = operator.agent_named(request.agent), operator.now()
    # A repeated command ends later, so a record is stored for it. Without an end it would change nothing.
    until = None if request.duration is None else now + request.duration
    command = Suspend(agent.id, until, request.reason, operator.by, now)
    shown = None if until is None else iso_timestamp(until)
    yield await operator.change("agent-suspended", command, agent=agent.name, until=shown)


async def reinstate(operator: Operator, request: ReinstateAgent) -> AsyncGenerator[Change]:
    """End the suspension of an agent."""
    agent = operator.agent_named(request.agent)
    command = Reinstate(agent.id, operator.by, operator.now())
    yield await operator.change("agent-reinstated", command, agent=agent.name)


async def approve(operator: Operator, request: ApproveAgent) -> AsyncGenerator[Change]:
    """Approve an agent."""
    agent = operator.agent_named(request.agent)
    command = Approve(agent.id, operator.by, operator.now())
    yield await operator.change("agent-approved", command, agent=agent.name)


async def withdraw(operator: Operator, request: WithdrawVerification) -> AsyncGenerator[Change]:
    """Take an agent's approval and its badge, whichever it has; without either, say that there is no approval."""
    agent = operator.agent_named(request.agent)
    is_approved = agent.standing is not None and agent.standing.approval is not None
    # Two records: each command of the domain has one event at most.
    if is_approved or agent.badge is None:
        approval = WithdrawApproval(agent.id, request.reason, operator.by, operator.now())
        yield await operator.change("approval-withdrawn", approval, agent=agent.name)
    if agent.badge is not None:
        badge = WithdrawBadge(agent.id, request.reason, operator.by, operator.now())
        yield await operator.change("badge-withdrawn", badge, agent=agent.name)
