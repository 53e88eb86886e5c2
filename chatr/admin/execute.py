"""Carries out a request on a node, and reports errors as the last reply."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final

from chatr.admin.commands import agents, erasing, keys, messages, messages_of_agent, room
from chatr.admin.operator import AdminNode, Operator, RequestRefused
from chatr.admin.replies import End, Failed, Refused, Reply
from chatr.admin.requests import (
    AnyRequest,
    ApproveAgent,
    CloseTheRoom,
    EraseMessages,
    EraseMessagesOf,
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
from chatr.domain.rule import RuleViolated
from chatr.node.command_handler import Overloaded
from chatr.ports import LogUnavailable, OutcomeUnknown

COMMANDS: Final[Mapping[type[AnyRequest], Callable[[Operator, Any], AsyncGenerator[Reply]]]] = {
    RemoveMessages: messages.remove,
    RestoreMessages: messages.restore,
    RemoveMessagesOf: messages_of_agent.remove_of,
    RestoreMessagesOf: messages_of_agent.restore_of,
    EraseMessages: erasing.erase,
    EraseMessagesOf: erasing.erase_of,
    SuspendAgent: agents.suspend,
    ReinstateAgent: agents.reinstate,
    ApproveAgent: agents.approve,
    WithdrawVerification: agents.withdraw,
    RegisterAgent: keys.register,
    IssueAgentKey: keys.issue_key,
    RevokeAgentKeys: keys.revoke_keys,
    CloseTheRoom: room.close,
    OpenTheRoom: room.open_again,
}
"""The function that carries out each type of request."""


async def replies(admin_node: AdminNode, request: AnyRequest) -> AsyncGenerator[Reply]:
    """Carry out a request, and yield the replies as they come. The last one is End, Refused or Failed.

    A caller that stops before the last one must close the iterator. Then nothing more is done.
    """
    try:
        await catch_up(admin_node)
        operator = Operator(admin_node, request.by, request.dry_run, admin_node.node.room)
        # Without aclosing, Python would close the generator only when it is garbage-collected.
        async with aclosing(COMMANDS[type(request)](operator, request)) as results:
            async for reply in results:
                yield reply
        last: Reply = End()
    except (RuleViolated, RequestRefused) as refusal:
        last = Refused(refusal.code, str(refusal))
    except LogUnavailable as error:
        last = Failed(f"The log is unavailable ({str(error).rstrip('.')}): try again.")
    except OutcomeUnknown as error:
        last = Failed(f"It is not known whether the last change was stored ({error}): look for it with chatr log.")
    except Overloaded:
        last = Failed("Every attempt to store the change conflicted with another record: try again.")
    yield last


async def catch_up(admin_node: AdminNode) -> None:
    """Wait until the node has folded what the log holds. Raises LogUnavailable if that takes long."""
    # Another node may just have stored the message that the operator saw there.
    if not await admin_node.node.follower.catch_up():
        raise LogUnavailable("the node has not read all of it")
