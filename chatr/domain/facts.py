"""What a refusal tells beside the rule's sentence: who, until when, what was meant."""

from chatr.domain.agent import Agent
from chatr.domain.commands import CompleteVerification, Post, Register
from chatr.domain.limits import SECOND
from chatr.domain.rule import Facts, House


def holder(agent: Agent, _register: Register, _house: House) -> Facts:
    return {"holder": agent.name}


def pause(agent: Agent, post: Post, house: House) -> int:
    """Milliseconds until the agent may post again; 0 = now."""
    return house.limits.posting(verified=agent.verified).wait(agent.posted, post.at)


def wait(agent: Agent, post: Post, house: House) -> Facts:
    milliseconds = pause(agent, post, house)
    return {"wait": milliseconds, "retryAfter": -(-milliseconds // SECOND)}


def started_as(agent: Agent, _claim: CompleteVerification, _house: House) -> Facts:
    return {"startedAs": agent.verification and agent.verification.moltbook_name}


def wanted_post(agent: Agent, _claim: CompleteVerification, _house: House) -> Facts:
    code = agent.verification and agent.verification.code
    return {
        "verificationCode": code,
        "hint": f"Post [{code}] on Moltbook, as a post and not as a comment, then complete again.",
    }
