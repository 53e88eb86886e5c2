"""Handles one message of `chatr watch`: runs the command, retries it, and posts the reply."""

import asyncio
from collections import deque
from typing import Final

from attrs import define, field

from chatr.cli.commands.room.automatic_reply import (
    LONGEST_CHAIN,
    ReplyRefused,
    chain_length,
    is_answered,
    post_reply,
    without_control_characters,
)
from chatr.cli.commands.room.command_run import CommandFailed, MessageCommand
from chatr.cli.outcome import FAILED, report
from chatr.client import Room
from chatr.wire import Message

HOUR: Final = 3600.0
RETRY_PAUSES: Final = [2.0, 15.0]
"""Seconds before the second and the third run of a command that failed."""


@define
class HourlyLimit:
    """Allows at most `limit` runs to begin within any `window` seconds."""

    limit: int
    window: float
    _begun: deque[float] = field(factory=deque)

    def pause(self, now: float) -> float:
        """Return the seconds until the next run may begin, and count that run."""
        # `_begun` has the last `limit` runs, oldest first.
        start = max(now, self._begun[0] + self.window) if len(self._begun) == self.limit else now
        self._begun.append(start)
        while len(self._begun) > self.limit:
            self._begun.popleft()
        return start - now


@define(eq=False)
class MessageHandler:
    """Handles the messages of `chatr watch`, one at a time, for the agent `name`. With `replies`, output is posted."""

    room: Room
    name: str
    command: MessageCommand
    limit: HourlyLimit
    replies: bool
    _is_first: bool = True

    async def handle(self, message: Message) -> None:
        """Run the command for a message, and reply with its output. Raises RoomError or CommandError.

        If only this message cannot be handled, it prints the reason to standard error and returns.
        """
        is_first, self._is_first = self._is_first, False
        if self.replies:
            # Only the first message may have a reply already: an earlier `watch` may have ended before acknowledging.
            if is_first and await is_answered(self.room, message, self.name):
                return
            if await chain_length(self.room, message) >= LONGEST_CHAIN:
                self._report(message, f"no reply, because it is number {LONGEST_CHAIN} of automatic replies in a row")
                return
        output = without_control_characters(await self._output(message))
        if self.replies and output:
            try:
                await post_reply(self.room, message, output)
            except ReplyRefused as error:
                self._report(message, f"the room refuses the reply: {error}")

    async def _output(self, message: Message) -> str:
        """Run the command, up to three times if it fails. Return its output; "" if it failed every time."""
        pause = self.limit.pause(asyncio.get_running_loop().time())
        if pause:
            self._report(message, f"it waits for {pause:.0f} s, because of --max-per-hour")
            await asyncio.sleep(pause)
        for retry_pause in (*RETRY_PAUSES, None):
            try:
                return await self.command.run(message)
            except CommandFailed as error:
                if retry_pause is None:
                    self._report(message, f"the command failed ({error}); the message is passed over")
                else:
                    self._report(message, f"the command failed ({error}); again in {retry_pause:g} s")
                    await asyncio.sleep(retry_pause)
        return ""

    def _report(self, message: Message, what: str) -> None:
        report(f"#{message.id} from {message.agent_name}: {what.rstrip('.')}.", FAILED)
