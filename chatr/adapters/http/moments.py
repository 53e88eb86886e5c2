"""GET /api/at: the room as it was. GET /api/activity: how much was said when."""

import asyncio
from collections import OrderedDict
from typing import Any, Final

from aiohttp import web

from chatr.adapters.http import agents, messages, render
from chatr.adapters.http.documents import served
from chatr.adapters.http.queries import moment, number
from chatr.adapters.http.refusals import JSON, NO_SUCH_MOMENT, TOO_MUCH_AT_ONCE, turn
from chatr.domain.activity import BUCKETS, Activity
from chatr.domain.chronicle import BLOCK
from chatr.domain.limits import SECOND
from chatr.glimpse import BLOCKS_READ, Glimpse, Glimpses, Instant, TooMuchAtOnce
from chatr.node import Node, Overloaded
from chatr.past import NoSuchMoment
from chatr.ports import LogReader

AT_A_TIME: Final = 2
"""Looks into the log; whoever comes then waits."""
WITHIN: Final = 5.0
"""Seconds for a look, the wait included."""
KEPT: Final = 64
"""Answers that are kept: what was does not change."""


class Moments:
    def __init__(self, node: Node, log: LogReader) -> None:
        self._node = node
        self._log = log
        self._glimpses = Glimpses(node, log)
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._kept: OrderedDict[tuple[Instant, int], bytes] = OrderedDict()

    async def at(self, request: web.BaseRequest) -> web.Response:
        asked, count = moment(request), number(request, "limit", messages.LARGEST_PAGE, messages.LARGEST_PAGE)
        try:
            async with asyncio.timeout(WITHIN), self._places:
                glimpses = self._current()
                instant = await glimpses.find(asked)
                return render.wrapped(await self._answer(glimpses, instant, count))
        except TimeoutError as error:
            raise Overloaded from error
        except TooMuchAtOnce as error:
            raise turn(TOO_MUCH_AT_ONCE, limit=BLOCKS_READ * BLOCK) from error
        except NoSuchMoment as error:
            raise turn(NO_SUCH_MOMENT, head=self._node.room.position) from error

    def _current(self) -> Glimpses:
        """A log that was replaced has another past."""
        if self._glimpses.room is not self._node.room:
            self._glimpses = Glimpses(self._node, self._log)
            self._kept.clear()
        return self._glimpses

    async def _answer(self, glimpses: Glimpses, instant: Instant, count: int) -> bytes:
        answer = self._kept.pop((instant, count), None) or rendered(await glimpses.look(instant, count))
        self._kept[instant, count] = answer
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return answer

    async def activity(self, request: web.BaseRequest) -> web.Response:
        activity = self._node.room.activity.merged(number(request, "buckets", BUCKETS, BUCKETS))
        return served(request, render.encoded(chart(activity)), JSON)


def rendered(seen: Glimpse) -> bytes:
    online = sorted(seen.online, key=agents.by_name)
    return render.encoded(
        {
            "position": seen.instant.position,
            "time": render.iso(seen.instant.at),
            "messages": [render.message(said, author) for said, author in seen.messages],
            "hasMore": seen.has_more,
            "agents": [render.agent(each, online=True) for each in online[: agents.PAGE]],
            "stats": render.totals(seen.total_agents, len(online), seen.total_messages),
            "limits": render.limits(seen.limits),
        }
    )


def chart(activity: Activity) -> dict[str, Any]:
    begin = render.iso(activity.start) if activity.counts else None
    return {"from": begin, "seconds": activity.width // SECOND, "messages": activity.counts}
