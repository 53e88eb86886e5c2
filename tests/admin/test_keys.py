"""Operators' commands about keys, carried out on a node."""

from contextlib import aclosing

from chatr.admin.execute import replies
from chatr.admin.replies import Change, End
from chatr.admin.requests import (
    IssueAgentKey,
    RegisterAgent,
    RevokeAgentKeys,
)
from chatr.codec import decode
from chatr.domain.key_commands import IssueKey
from chatr.domain.key_events import KeyIssued, KeyRevoked
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR, SECOND
from tests.admin.conftest import Operated
from tests.cli.conftest import ADA

BY = "olga"
HEAD = 10
"""The position of the last record before a test."""


async def events_after_head(operated: Operated) -> list[object]:
    """The events that the test has stored."""
    return [decode(stored).event for stored in await operated.log.log.read(HEAD, 100)]


async def test_a_registered_agent_has_the_key_of_the_reply(operated: Operated) -> None:
    """The reply to a registration has a key that opens the new agent, also where registration is closed."""
    change = await operated.reply(RegisterAgent(by=BY, agent=" Cyd ", avatar="🦀"))
    agent = operated.room.agent_named("Cyd")

    assert (change.agent, agent.avatar, agent.key_digest) == ("Cyd", "🦀", hash_key(change.api_key))


async def test_a_new_key_waits_for_its_first_use(operated: Operated) -> None:
    """The new key opens the agent beside the old one, and the record says for how long both will."""
    change = await operated.reply(IssueAgentKey(by=BY, agent="Ada", grace=HOUR))
    now = operated.clock.now()

    assert await events_after_head(operated) == [KeyIssued(ADA, hash_key(change.api_key), HOUR, BY, now)]
    assert (change.grace, operated.room.agent(ADA).key_digest) == (HOUR // SECOND, hash_key("ada"))


async def test_a_key_is_in_no_text_of_the_reply(operated: Operated) -> None:
    """The representation of a reply, which a traceback may show, lacks the key."""
    change = await operated.reply(IssueAgentKey(by=BY, agent="Ada", grace=0))

    assert change.api_key not in repr(change)


async def test_all_keys_are_revoked(operated: Operated) -> None:
    """The current key and one that waits for its first use are void after one command."""
    await operated.replies(IssueAgentKey(by=BY, agent="Ada", grace=0))
    await operated.replies(RevokeAgentKeys(by=BY, agent="Ada"))

    revoked = [event for event in await events_after_head(operated) if isinstance(event, KeyRevoked)]
    assert (len(revoked), operated.room.agent(ADA).key_digests) == (2, ())


async def test_a_key_that_is_replaced_meanwhile_is_void_too(operated: Operated) -> None:
    """Whoever has a key cannot save it by asking for a new one while the operator revokes all of them."""
    node, now = operated.admin_node.node, operated.clock.now()
    await node.commands.handle(IssueKey(ADA, hash_key("pending"), 0, now))
    async with aclosing(replies(operated.admin_node, RevokeAgentKeys(by=BY, agent="Ada"))) as results:
        first = await anext(results)
        await node.commands.handle(IssueKey(ADA, hash_key("other"), 0, now))
        others = [reply async for reply in results]

    assert (isinstance(first, Change), len(others), others[-1]) == (True, 2, End())
    assert operated.room.agent(ADA).key_digests == ()
