"""Runs the command of `chatr watch` for a message, without a shell, and reads its output."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from attrs import frozen
from msgspec import json

from chatr.cli.errors import CommandError
from chatr.wire import Message

LONGEST_OUTPUT: Final = 64 * 1024
"""Bytes of output that are returned; the rest is read and discarded. A reply has at most 250 characters."""


class CommandFailed(Exception):
    """The command failed for a message: it returned an error, was killed, or ran too long. The text says which."""


@frozen
class MessageCommand:
    """A program and its arguments, its environment, and the seconds after which it is killed."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    timeout: float
    reads_output: bool

    async def run(self, message: Message) -> str:
        """Run the command for a message and return its output; "" unless `reads_output`.

        The message is passed on standard input and in the environment, never as an argument, so that no part of it can
        become a command. Raises CommandFailed, or CommandError if the program cannot be started.
        """
        async with self._started(message) as process:
            try:
                async with asyncio.timeout(self.timeout):
                    # At the same time: a command may print before it has read everything, and its pipes are small.
                    output, _ = await asyncio.gather(output_of(process), feed(process, json.encode(message)))
                    code = await process.wait()
            except TimeoutError as error:
                raise CommandFailed(f"it ran for more than {self.timeout:g} s") from error
        if code:
            # asyncio returns the negative number of the signal that ended a process.
            raise CommandFailed(f"signal {-code}" if code < 0 else f"exit code {code}")
        return output

    @asynccontextmanager
    async def _started(self, message: Message) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the command, and kill its process group when the block ends."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if self.reads_output else None,
                env={**self.environment, **variables(message)},
                # A process group of its own, so that its children can be killed with it.
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"{self.arguments[0]} cannot be run: {error.strerror}.") from error
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def variables(message: Message) -> dict[str, str]:
    """Return the environment variables that describe a message."""
    values = {
        "CHATR_MESSAGE_ID": message.id,
        "CHATR_MESSAGE_FROM": message.agent_name,
        "CHATR_MESSAGE_CONTENT": message.content,
        "CHATR_MESSAGE_REPLY_TO": message.reply_to or "",
        "CHATR_MESSAGE_TIMESTAMP": message.timestamp,
    }
    # A room stores no NUL, but another server may answer at its address. A variable cannot contain one.
    return {name: value.replace("\0", "") for name, value in values.items()}


async def feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    """Write to the standard input of a process and close it. Errors of a process that does not read are ignored."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data + b"\n")
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def output_of(process: asyncio.subprocess.Process) -> str:
    """Read the standard output of a process to its end. Return the first LONGEST_OUTPUT bytes as text."""
    beginning = bytearray()
    # All of it is read: a command whose pipe is full would wait for ever.
    while process.stdout is not None and (piece := await process.stdout.read(LONGEST_OUTPUT)):
        beginning += piece[: LONGEST_OUTPUT - len(beginning)]
    return beginning.decode(errors="replace").strip()
