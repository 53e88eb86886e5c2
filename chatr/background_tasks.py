"""Tasks that run for as long as a block of code does."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress


@asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run `work` as a task for as long as the block runs."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        # Wait for the task, so that its clean-up is done before the block ends.
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def all_in_background(*works: Coroutine[None, None, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run `works` as tasks for as long as the block runs."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(background(work)) for work in works]
