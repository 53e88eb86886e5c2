"""Commands about the whole room: close and open."""

from collections.abc import AsyncGenerator

from chatr.admin.operator import Operator
from chatr.admin.replies import Change
from chatr.admin.requests import CloseTheRoom, OpenTheRoom
from chatr.domain.moderation_commands import CloseRoom, OpenRoom


async def close(operator: Operator, request: CloseTheRoom) -> AsyncGenerator[Change]:
    """Close the room. If it is closed for another reason, the new one takes its place."""
    # This record is in the stream `room`, so posts do not conflict with it: one that was decided before may be stored
    # after it.
    yield await operator.change("room-closed", CloseRoom(request.reason, operator.by, operator.now()))


async def open_again(operator: Operator, _request: OpenTheRoom) -> AsyncGenerator[Change]:
    """Open the room."""
    yield await operator.change("room-opened", OpenRoom(operator.by, operator.now()))
