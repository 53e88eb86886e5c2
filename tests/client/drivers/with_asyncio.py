"""Runs commands of the scenarios with `chatr.client.Room`: JSON lines on standard input, results on standard output."""

import asyncio
import json
import logging
import sys
from typing import Any

from msgspec import to_builtins

from chatr.client import Room, RoomError


def report(scenario: str, **result: object) -> None:
    """Print a result."""
    # In one piece: print would write the line feed by itself, after that of another thread.
    sys.stdout.write(json.dumps({"scenario": scenario, **result}) + "\n")
    sys.stdout.flush()


def described(error: RoomError) -> dict[str, Any]:
    """Return what the scenarios check of an exception."""
    return {"name": type(error).__name__, "code": error.code, "status": error.status, "retryAfter": error.retry_after}


async def follow(scenario: str, room: Room, options: dict[str, Any]) -> None:
    """Report each message, and in the end how it ended."""
    if options.pop("on_removed", False):
        options["on_removed"] = lambda change: report(scenario, removed=to_builtins(change))
    following, ended = room.follow(**options), None
    try:
        async for message in following:
            report(scenario, message=message.content, position=following.position)
    except RoomError as error:
        ended = described(error)
    report(scenario, ended=ended)


async def run(scenario: str, commands: asyncio.Queue[dict[str, Any]]) -> None:
    """Run the commands of one scenario, to its `close`."""
    room, followers = Room("http://localhost"), set[asyncio.Task[None]]()
    while True:
        command = await commands.get()
        match command["do"]:
            case "open":
                await room.close()
                room = Room(command["url"], command.get("key"), time_limit=command["time_limit"])
            case "follow":
                followers.add(asyncio.create_task(follow(scenario, room, command["options"])))
            case "cancel":
                for task in followers:
                    task.cancel()
                await asyncio.gather(*followers, return_exceptions=True)
            case "close":
                await room.close()
                await asyncio.gather(*followers, return_exceptions=True)
                report(scenario, closed=True)
                return
            case method:
                try:
                    result = await getattr(room, method)(*command.get("args", []), **command.get("options", {}))
                    report(scenario, result=to_builtins(result))
                except RoomError as error:
                    report(scenario, error=described(error))


async def main() -> None:
    """Read commands until the end of the input."""
    queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
    async with asyncio.TaskGroup() as tasks:
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command["scenario"] not in queues:
                queue = queues[command["scenario"]] = asyncio.Queue[dict[str, Any]]()
                tasks.create_task(run(command["scenario"], queue))
            queues[command["scenario"]].put_nowait(command)


# The test wants no warnings, and on a busy machine any callback may be slow.
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))
# Most scenarios make the client retry, of which it warns.
logging.getLogger("chatr.client").setLevel(logging.ERROR)

if __name__ == "__main__":
    asyncio.run(main(), debug=True)
