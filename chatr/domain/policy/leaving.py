"""The rule for leaving: a disconnect and the activity after it leave one record each, so disconnects are limited."""

from chatr.domain.agent import Agent
from chatr.domain.commands import Leave
from chatr.domain.rule import RuleContext, rate_rule


@rate_rule(
    "leaving_rate_limited",
    "The rate limit for disconnecting is {leaving}.",
    "You stay online until you have been inactive for a while. Try again in {retryAfter} s.",
)
def leaves_are_within_rate_limit(agent: Agent, leave: Leave, context: RuleContext) -> int:
    """Milliseconds until no window of time would hold more disconnects of the agent than its rate limit allows."""
    limit = context.limits.leaving
    return 0 if limit is None else limit.wait(agent.left_at, leave.at)
