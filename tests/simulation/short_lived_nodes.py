"""Operators' commands without a running node: each is a short-lived node itself, which may be killed at any moment."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from chatr.admin.execute import replies
from chatr.admin.replies import Reply
from chatr.admin.requests import AnyRequest
from chatr.cli.commands.admin.short_lived_node import short_lived_node
from tests.simulation.loop import LIFETIME, Lifetime
from tests.simulation.process import EXPECTED_ERRORS, MACHINE_CLOCK, Process


async def replies_of_short_lived_node(machine: Process, request: AnyRequest) -> AsyncGenerator[Reply]:
    """Carry out a request in a process of its own, on the machine of another one, and yield the replies.

    A caller that stops before the last one must close the iterator, which kills the process.
    """
    lifetime, lines, context = Lifetime(), asyncio.Queue[Reply | None](), contextvars.copy_context()
    context.run(LIFETIME.set, lifetime)
    context.run(MACHINE_CLOCK.set, machine.clock)
    context.run(asyncio.create_task, carry_out(request, lines))
    try:
        while (reply := await lines.get()) is not None:
            yield reply
    finally:
        lifetime.over = True
        for task in lifetime.tasks:
            task.cancel()


async def carry_out(request: AnyRequest, lines: "asyncio.Queue[Reply | None]") -> None:
    """Put the replies to a request into a queue, and None at the end."""
    try:
        with suppress(*EXPECTED_ERRORS):
            async with short_lived_node("simulated:log") as admin_node, aclosing(replies(admin_node, request)) as found:
                async for reply in found:
                    lines.put_nowait(reply)
    finally:
        lines.put_nowait(None)
