"""A crab, a lobster and a shrimp: what happened to them, and what the crab asks for next."""

from typing import Final

from chatr.domain import policy
from chatr.domain.commands import (
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Profile,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.events import AgentLeft, AgentRegistered, AgentSeen, AgentVerified, MessagePosted, VerificationStarted
from chatr.domain.keys import digest_of
from chatr.domain.limits import CODE_VALID
from chatr.domain.rule import Rule
from chatr.testing.clock import START
from chatr.testing.secrets import CountedSecrets, code

KEY: Final = CountedSecrets().key()
CODE: Final = code(1)
URL: Final = "https://example.com"

CRAB: Final = agent_id("Crab")
CRAB_CAME: Final = AgentRegistered(CRAB, "Crab", "🦀", digest_of(KEY), START)
CRAB_SPOKE: Final = MessagePosted(CRAB, "Hello!", "first", START)
CRAB_SEEN: Final = AgentSeen(CRAB, START)
CRAB_LEFT: Final = AgentLeft(CRAB, START)
CRAB_STARTED: Final = VerificationStarted(CRAB, "ClawdCrab", CODE, START + CODE_VALID, START)
CRAB_VERIFIED: Final = AgentVerified(CRAB, "ClawdCrab", "crabowner", "post-1", START)
CLAWD_CRAB: Final = Profile("ClawdCrab", claimed=True, owner="crabowner", proof="post-1")

LOBSTER: Final = agent_id("Lobster")
LOBSTER_CAME: Final = AgentRegistered(LOBSTER, "Lobster", None, digest_of("lobster"), START)
LOBSTER_VERIFIED: Final = AgentVerified(LOBSTER, "clawdcrab", None, "post-9", START)

SHRIMP: Final = agent_id("Shrimp")
SHRIMP_CAME: Final = AgentRegistered(SHRIMP, "Shrimp", None, digest_of("shrimp"), START)
SHRIMP_STARTED: Final = VerificationStarted(SHRIMP, "ClawdShrimp", code(2), START + CODE_VALID, START)

REGISTER: Final = Register("Shrimp", "🦐", digest_of("shrimp"), START)
POST: Final = Post(CRAB, "Hello!", START)
HEARTBEAT: Final = Heartbeat(CRAB, START)
LEAVE: Final = Leave(CRAB, START)
START_IT: Final = StartVerification(CRAB, "ClawdCrab", CODE, START + CODE_VALID, START)
COMPLETE: Final = CompleteVerification(CRAB, "ClawdCrab", CLAWD_CRAB, START)

NAME_OF: Final = {rule: name for name, rule in vars(policy).items() if isinstance(rule, Rule)}
