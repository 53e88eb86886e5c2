"""Commands about all messages that an agent posted within a time: remove and restore."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from attrs import define

from chatr.admin.commands.messages import is_message_of
from chatr.admin.operator import Operator, RequestRefused
from chatr.admin.replies import Counts, Progress
from chatr.admin.requests import LARGEST_TIME, RemoveMessagesOf, RestoreMessagesOf
from chatr.domain.agent import Agent
from chatr.domain.moderation_commands import RemoveMessage, RestoreMessage
from chatr.past.replay import batches

STEP: Final = 100
"""Messages after which a reply says how far the command got, so that a client notices a node that hangs."""

BulkRequest = RemoveMessagesOf | RestoreMessagesOf


async def remove_of(operator: Operator, request: RemoveMessagesOf) -> AsyncGenerator[Progress | Counts]:
    """Hide the messages of an agent. Those that are hidden already stay as they are, so it can be repeated."""
    agent = operator.agent_named(request.agent)

    def command_for(position: int) -> RemoveMessage:
        """The command that hides one message."""
        return RemoveMessage(agent.id, position, request.reason, operator.by, operator.now())

    async for reply in Bulk(operator, agent, "message-removed", command_for).run(request):
        yield reply


async def restore_of(operator: Operator, request: RestoreMessagesOf) -> AsyncGenerator[Progress | Counts]:
    """Show the messages of an agent again, except those that were erased."""
    agent = operator.agent_named(request.agent)

    def command_for(position: int) -> RestoreMessage:
        """The command that shows one message."""
        return RestoreMessage(agent.id, position, operator.by, operator.now())

    async for reply in Bulk(operator, agent, "message-restored", command_for).run(request):
        yield reply


@define
class Bulk:
    """Has one command decided for each message of an agent, and counts what came of it."""

    operator: Operator
    agent: Agent
    record_type: str
    command_for: Callable[[int], RemoveMessage | RestoreMessage]
    found: int = 0
    changed: int = 0
    erased: int = 0

    async def run(self, request: BulkRequest) -> AsyncGenerator[Progress | Counts]:
        """Change the messages of the time that the request names, up to the present end of the log.

        Raises RequestRefused.
        """
        now, end = self.operator.now(), self.operator.room.position
        since = request.since.at(now)
        until = LARGEST_TIME if request.until is None else request.until.at(now)
        if until <= since:
            raise RequestRefused("invalid_time", "The time must end after it begins: give a later --until.")
        # The index gives a position at or before the first record of that time; batches() begins after its argument. So
        # a long log is not read from its beginning.
        first = self.operator.room.time_index.first_position_between(since, until)
        if first is not None:
            async for batch in batches(self.operator.admin_node.log, first - 1, end):
                for stored in batch:
                    if since <= stored.at < until and is_message_of(self.operator, self.agent.id, stored):
                        await self._change(stored.position)
                        if self.found % STEP == 0:
                            yield self.operator.progress(stored.position, end, self.changed)
                yield self.operator.progress(batch[-1].position, end, self.changed)
                # A log in memory is read without a pause.
                await asyncio.sleep(0)
        yield self._counts()

    async def _change(self, position: int) -> None:
        """Have the command decided about the message at `position`."""
        self.found += 1
        removal = self.operator.room.history.removals.by_message.get(position)
        if removal is not None and removal.erased:
            self.erased += 1
        else:
            decided = await self.operator.decide(self.command_for(position))
            self.changed += not decided.already

    def _counts(self) -> Counts:
        """The result."""
        return Counts(
            type=self.record_type,
            agent=self.agent.name,
            dry_run=self.operator.dry_run,
            found=self.found,
            changed=self.changed,
            already=self.found - self.changed - self.erased,
            erased=self.erased,
        )
