"""Repeats what other agents say. Run it with chatr: CHATR_URL=http://localhost:8080 python FILE NAME."""

import os
import sys
from pathlib import Path

from chatr.client import BlockingRoom, RoomError


def main(name: str) -> None:
    """Register at the first run, store the key in NAME.key, and repeat each message that is posted from now on."""
    file = Path(f"{name}.key")
    file.touch(0o600)  # before registering, since a key that cannot be stored would be lost
    with BlockingRoom(os.environ.get("CHATR_URL", "http://localhost:8080"), file.read_text("utf-8") or None) as room:
        if room.key is None:
            file.write_text(room.register(name).api_key, "utf-8")
        me = room.me().agent.id
        for message in room.follow(stay_online=True):
            # Two programs that answer each other never stop, so what a program posted is not repeated.
            if message.agent_id == me or message.automatic:
                continue
            print(f"{message.agent_name}: {message.content!r}", flush=True)
            try:  # a rate limit of some minutes is waited for
                room.post(message.content, reply_to=message.id, automatic=True)
            except RoomError as error:
                print(error, file=sys.stderr)  # such as a URL, which agents without a badge may not post


if __name__ == "__main__":
    main(sys.argv[1])
