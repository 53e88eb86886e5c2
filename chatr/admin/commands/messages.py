"""Commands about single messages: remove and restore."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

from chatr.admin.operator import Operator, RequestRefused
from chatr.admin.replies import Change
from chatr.admin.requests import RemoveMessages, RestoreMessages
from chatr.codec import MESSAGE_TYPE
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.moderation_commands import RemoveMessage, RestoreMessage
from chatr.domain.policy.moderating import message_exists
from chatr.ports import MAX_PICK, LogUnavailable, Stored

CommandFor = Callable[[AgentId, int], RemoveMessage | RestoreMessage]
"""Makes the command about the message at a position, which that agent posted."""


async def remove(operator: Operator, request: RemoveMessages) -> AsyncGenerator[Change]:
    """Hide messages, one after the other. None of them if one is no message."""

    def command_for(author: AgentId, position: int) -> RemoveMessage:
        """The command that hides one message."""
        return RemoveMessage(author, position, request.reason, operator.by, operator.now())

    async for change in change_each(operator, "message-removed", request.ids, command_for):
        yield change


async def restore(operator: Operator, request: RestoreMessages) -> AsyncGenerator[Change]:
    """Show messages again, one after the other. None of them if one is no message."""

    def command_for(author: AgentId, position: int) -> RestoreMessage:
        """The command that shows one message."""
        return RestoreMessage(author, position, operator.by, operator.now())

    async for change in change_each(operator, "message-restored", request.ids, command_for):
        yield change


async def change_each(
    operator: Operator, record_type: str, ids: Sequence[int], command_for: CommandFor
) -> AsyncGenerator[Change]:
    """Have one command decided for each message. Raises RequestRefused before the first one if one is no message."""
    positions = checked_positions(operator, ids)
    for part in parts_of(positions):
        for position, author in zip(part, await authors_of(operator, part), strict=True):
            name = operator.room.agent(author).name
            yield await operator.change(record_type, command_for(author, position), agent=name, message=str(position))


def checked_positions(operator: Operator, ids: Sequence[int]) -> list[int]:
    """The positions, each once, if all of them are those of messages. Raises RequestRefused."""
    # An id that is given twice would be reported as removed, and then as removed already.
    positions = list(dict.fromkeys(ids))
    context = operator.room.rule_context
    if missing := [position for position in positions if not context.is_message(position)]:
        raise RequestRefused(
            message_exists.code,
            f"No messages have the ids {listed(missing)}: nothing was changed. Check the ids.",
        )
    return positions


def listed(positions: Sequence[int]) -> str:
    """The first positions, for a sentence."""
    return f"{', '.join(map(str, positions[:10]))}{' …' if positions[10:] else ''}"


def is_message_of(operator: Operator, agent: AgentId, stored: Stored) -> bool:
    """Whether a record is a message that the agent posted, also if its text was erased."""
    # Not decoded: most records are of other agents.
    return stored.stream == f"{AGENT_STREAM}{agent}" and operator.room.rule_context.is_message(stored.position)


def parts_of(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the positions, MAX_PICK at a time."""
    return (positions[start : start + MAX_PICK] for start in range(0, len(positions), MAX_PICK))


async def authors_of(operator: Operator, positions: Sequence[int]) -> list[AgentId]:
    """The agents that posted the messages at these positions. Raises LogUnavailable."""
    # From the log: memory holds the newest messages only. A message that was erased or altered still has its stream.
    picked = await operator.admin_node.log.pick(positions)
    authors = [AgentId(each.stream.removeprefix(AGENT_STREAM)) for each in picked if each.type == MESSAGE_TYPE]
    # They differ only if another log was put in the place of the one that was folded.
    if len(authors) != len(positions):
        raise LogUnavailable("the log was replaced and is being read again")
    return authors
