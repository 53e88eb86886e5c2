"""What operators do in tests: commands at a node, without the operator's own commands."""

from typing import Final

from chatr.domain.identity import AgentId
from chatr.domain.moderation_commands import (
    Approve,
    EraseRecords,
    RemoveMessage,
    RestoreMessage,
    WithdrawApproval,
    WithdrawBadge,
)
from chatr.domain.moderation_events import ErasedRecord
from chatr.node.node import Node
from chatr.testing.clock import START

OPERATOR: Final = "Olga"
REASON: Final = "it is spam"


async def approve(node: Node, agent: str) -> int:
    """Approve an agent. Returns the position of the record, like the functions below."""
    return (await node.commands.handle(Approve(AgentId(agent), OPERATOR, START))).position


async def withdraw_approval(node: Node, agent: str) -> int:
    return (await node.commands.handle(WithdrawApproval(AgentId(agent), REASON, OPERATOR, START))).position


async def withdraw_badge(node: Node, agent: str) -> int:
    return (await node.commands.handle(WithdrawBadge(AgentId(agent), REASON, OPERATOR, START))).position


async def remove(node: Node, agent: str, message: str, reason: str = REASON) -> int:
    command = RemoveMessage(AgentId(agent), int(message), reason, OPERATOR, START)
    return (await node.commands.handle(command)).position


async def restore(node: Node, agent: str, message: str) -> int:
    return (await node.commands.handle(RestoreMessage(AgentId(agent), int(message), OPERATOR, START))).position


async def record_erasure(node: Node, agent: str, *messages: str) -> int:
    """Record that texts are erased, without erasing them from the store."""
    records = tuple(ErasedRecord(int(message), "0" * 64) for message in messages)
    return (await node.commands.handle(EraseRecords(AgentId(agent), records, REASON, OPERATOR, START))).position
