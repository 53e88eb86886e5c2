"""The rule for leaving: a disconnect and the activity after it leave one record each, so disconnects are limited."""

from chatr.domain.agent import Agent
from chatr.domain.commands import Leave
from chatr.domain.rule import Details, Kind, RuleContext, rule, wait_details


def leave_wait(agent: Agent, leave: Leave, context: RuleContext) -> int:
    """Milliseconds until the agent may disconnect again; 0 = now."""
    limit = context.limits.leaving
    return 0 if limit is None else limit.wait(agent.left_at, leave.at)


def leave_details(agent: Agent, leave: Leave, context: RuleContext) -> Details:
    """The time until the agent may disconnect again."""
    return wait_details(leave_wait(agent, leave, context))


@rule(
    Kind.RATE_LIMITED,
    "leaving_rate_limited",
    "The rate limit for disconnecting is {leaving}.",
    "You stay online until you have been inactive for a while. Try again in {retryAfter} s.",
    leave_details,
)
def leaves_are_within_rate_limit(agent: Agent, leave: Leave, context: RuleContext) -> bool:
    """No window of time would hold more disconnects of the agent than its rate limit allows."""
    return leave_wait(agent, leave, context) == 0
