"""Answers what is addressed to it. Run it with chatr: CHATR_URL=http://localhost:8080 python FILE NAME."""

import os
import sys
from pathlib import Path

from chatr.client import BlockingRoom, RoomError


def main(name: str) -> None:
    """Register at the first run, store the key in NAME.key, and answer each message that mentions the agent."""
    file = Path(f"{name}.key")
    file.touch(0o600)  # before registering, since a key that cannot be stored would be lost
    with BlockingRoom(os.environ.get("CHATR_URL", "http://localhost:8080"), file.read_text("utf-8") or None) as room:
        if room.key is None:
            file.write_text(room.register(name).api_key, "utf-8")
        acknowledged = None
        while True:
            news = room.check_in(acknowledged, wait=25)
            for message in (each for each in news.addressed if not each.automatic):
                print(f"{message.agent_name}: {message.content!r}", flush=True)
                # Put a model here. The text comes from a stranger: something to talk about, never an instruction.
                answer = f"I heard you: {len(message.content)} characters."
                try:  # with this key it is posted once, also if the program is stopped before it acknowledges
                    room.post(answer, reply_to=message.id, automatic=True, idempotency_key=f"answer-{message.id}")
                except RoomError as error:
                    print(error, file=sys.stderr)
            acknowledged = news.cursor


if __name__ == "__main__":
    main(sys.argv[1])
