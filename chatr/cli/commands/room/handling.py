"""What `chatr watch` does with one message: run the command, reply, and pass over what cannot be handled."""

import asyncio
from collections import deque
from typing import Final

from attrs import define, field

from chatr.cli.commands.room.automatic_reply import (
    LONGEST_CHAIN,
    ReplyRefused,
    chain_length,
    is_answered,
    plain,
    post_reply,
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
    """Lets at most `limit` runs begin in any `window` seconds."""

    limit: int
    window: float
    _begun: deque[float] = field(factory=deque)

    def pause(self, now: float) -> float:
        """Return the seconds until the next run may begin, and count it."""
        start = max(now, self._begun[0] + self.window) if len(self._begun) == self.limit else now
        self._begun.append(start)
        while len(self._begun) > self.limit:
            self._begun.popleft()
        return start - now


@define(eq=False)
class Handling:
    """Handles one message after the other. `name` is that of the agent."""

    room: Room
    name: str
    command: MessageCommand
    limit: HourlyLimit
    replies: bool
    _is_first: bool = True

    async def handle(self, message: Message) -> None:
        """Run the command for a message, and reply with its output. Raises RoomError or CommandError.

        Prints to standard error what is wrong with this one message; then it counts as handled.
        """
        is_first, self._is_first = self._is_first, False
        if self.replies:
            # Only the first one may have been answered by a watch that ended before it could acknowledge that.
            if is_first and await is_answered(self.room, message, self.name):
                return
            if await chain_length(self.room, message) >= LONGEST_CHAIN:
                self._say(message, f"no reply, because it is number {LONGEST_CHAIN} of automatic replies in a row")
                return
        output = plain(await self._output(message))
        if self.replies and output:
            try:
                await post_reply(self.room, message, output)
            except ReplyRefused as error:
                self._say(message, f"the room refuses the reply: {error}")

    async def _output(self, message: Message) -> str:
        """Run the command, again if it fails. Return what it prints, "" if it failed every time."""
        pause = self.limit.pause(asyncio.get_running_loop().time())
        if pause:
            self._say(message, f"it waits for {pause:.0f} s, because of --max-per-hour")
            await asyncio.sleep(pause)
        for retry_pause in (*RETRY_PAUSES, None):
            try:
                return await self.command.run(message)
            except CommandFailed as error:
                if retry_pause is None:
                    self._say(message, f"the command failed ({error}); the message is passed over")
                else:
                    self._say(message, f"the command failed ({error}); again in {retry_pause:g} s")
                    await asyncio.sleep(retry_pause)
        return ""

    def _say(self, message: Message, what: str) -> None:
        report(f"#{message.id} from {message.agent_name}: {what}.", FAILED)
