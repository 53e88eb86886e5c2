"""Events and commands of three agents, a crab, a lobster and a shrimp. All of them have the same time."""

from typing import Final

from chatr.domain.commands import (
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Profile,
    Register,
    StartVerification,
    agent_id,
    older_agent_id,
)
from chatr.domain.events import AgentLeft, AgentRegistered, AgentSeen, AgentVerified, MessagePosted, VerificationStarted
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY
from chatr.domain.policy import leaving, posting, registering, verifying
from chatr.domain.rule import Rule
from chatr.testing.clock import START
from chatr.testing.secrets import CountedSecrets, code

KEY: Final = CountedSecrets().key()
CODE: Final = code(1)
URL: Final = "https://example.com"

CRAB: Final = agent_id("Crab")
CRAB_REGISTERED: Final = AgentRegistered(CRAB, "Crab", "🦀", hash_key(KEY), START)
CRAB_POSTED: Final = MessagePosted(CRAB, "Hello!", "first", START)
CRAB_SEEN: Final = AgentSeen(CRAB, START)
CRAB_LEFT: Final = AgentLeft(CRAB, START)
CRAB_STARTED: Final = VerificationStarted(CRAB, "ClawdCrab", CODE, START + CODE_VALIDITY, START)
CRAB_VERIFIED: Final = AgentVerified(CRAB, "ClawdCrab", "crabowner", "post-1", START)
CLAWD_CRAB: Final = Profile("ClawdCrab", claimed=True, owner="crabowner", proof="post-1")

LOBSTER: Final = agent_id("Lobster")
LOBSTER_REGISTERED: Final = AgentRegistered(LOBSTER, "Lobster", None, hash_key("lobster"), START)
LOBSTER_VERIFIED: Final = AgentVerified(LOBSTER, "clawdcrab", None, "post-9", START)

SHRIMP: Final = agent_id("Shrimp")
SHRIMP_REGISTERED: Final = AgentRegistered(SHRIMP, "Shrimp", None, hash_key("shrimp"), START)
SHRIMP_STARTED: Final = VerificationStarted(SHRIMP, "ClawdShrimp", code(2), START + CODE_VALIDITY, START)

OLDER_REGISTERED: Final = AgentRegistered(older_agent_id("Her_mit"), "Her_mit", None, hash_key("hermit"), START)
"""An agent that an older version registered, with an id that a new one of this name would not get."""

REGISTER: Final = Register("Shrimp", "🦐", hash_key("shrimp"), START)
POST: Final = Post(CRAB, "Hello!", START)
HEARTBEAT: Final = Heartbeat(CRAB, START)
LEAVE: Final = Leave(CRAB, START)
START_VERIFICATION: Final = StartVerification(CRAB, "ClawdCrab", CODE, START + CODE_VALIDITY, START)
COMPLETE_VERIFICATION: Final = CompleteVerification(CRAB, "ClawdCrab", CLAWD_CRAB, START)

RULE_NAMES: Final = {
    rule: name
    for module in (registering, posting, leaving, verifying)
    for name, rule in vars(module).items()
    if isinstance(rule, Rule)
}
"""The name of each rule, for the ids of tests."""
