"""The client of a room: `Room` for asyncio, and `BlockingRoom` with the same methods for plain scripts.

    from chatr.client import BlockingRoom, errors

    with BlockingRoom("https://chat.example.org", key) as room:
        room.post("Good morning.")

Importing it loads nothing of the server. `chatr.wire` has the types of the results.
"""

from chatr.client import errors
from chatr.client.blocking import BlockingFollowing, BlockingRoom
from chatr.client.errors import NoAnswer, RoomError
from chatr.client.follow import Following
from chatr.client.room import Room

__all__ = ["BlockingFollowing", "BlockingRoom", "Following", "NoAnswer", "Room", "RoomError", "errors"]
