"""Runs commands of the scenarios with `chatr.client.BlockingRoom`, as `with_asyncio.py` does with `Room`."""

import json
import sys
from queue import SimpleQueue
from threading import Thread
from typing import Any

from msgspec import to_builtins
from with_asyncio import described, report

from chatr.client import BlockingFollowing, BlockingRoom, RoomError


def follow(scenario: str, following: BlockingFollowing) -> None:
    """Report each message, and in the end how it ended."""
    ended = None
    try:
        for message in following:
            report(scenario, message=message.content, position=following.position)
    except RoomError as error:
        ended = described(error)
    report(scenario, ended=ended)


def run(scenario: str, commands: SimpleQueue[dict[str, Any]]) -> None:
    """Run the commands of one scenario, to its `close`."""
    room, followers, followings = BlockingRoom("http://localhost"), list[Thread](), list[BlockingFollowing]()
    while True:
        command = commands.get()
        match command["do"]:
            case "open":
                room.close()
                room = BlockingRoom(command["url"], command.get("key"), time_limit=command["time_limit"])
            case "follow":
                options = command["options"]
                if options.pop("on_removed", False):
                    options["on_removed"] = lambda change: report(scenario, removed=to_builtins(change))
                followings.append(room.follow(**options))
                followers.append(Thread(target=follow, args=[scenario, followings[-1]]))
                followers[-1].start()
            case "cancel":
                for following in followings:
                    following.close()
            case "close":
                room.close()
                for thread in followers:
                    thread.join()
                report(scenario, closed=True)
                return
            case method:
                try:
                    result = getattr(room, method)(*command.get("args", []), **command.get("options", {}))
                    report(scenario, result=to_builtins(result))
                except RoomError as error:
                    report(scenario, error=described(error))


def main() -> None:
    """Read commands until the end of the input."""
    queues: dict[str, SimpleQueue[dict[str, Any]]] = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["scenario"] not in queues:
            queue = queues[command["scenario"]] = SimpleQueue[dict[str, Any]]()
            Thread(target=run, args=[command["scenario"], queue]).start()
        queues[command["scenario"]].put(command)


if __name__ == "__main__":
    main()
