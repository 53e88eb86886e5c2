"""The filters of `GET /api/messages`, and pages of the messages that they select."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import chain
from typing import Final

from aiohttp import hdrs, web
from attrs import define

from chatr.adapters.http.admission.authentication import authenticate
from chatr.adapters.http.caching import NO_STORE
from chatr.adapters.http.endpoints.long_reads import Pause, pause_always
from chatr.adapters.http.endpoints.post_body import REPLY_SPELLINGS
from chatr.adapters.http.endpoints.waiting import catch_up
from chatr.adapters.http.error_catalogue import MISSPELT_FILTER, OTHER_REMOVED, http_error
from chatr.adapters.http.json_body import misspelt_field
from chatr.adapters.http.json_response import RESPONSE_HEADERS
from chatr.adapters.http.query_string import message_id, selected_times
from chatr.domain.agent import Agent
from chatr.domain.history import History, Page
from chatr.domain.limits import Limits
from chatr.domain.policy.moderating import agent_exists
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.domain.selection import Selection, Window, as_page, page_step
from chatr.domain.text import is_name
from chatr.node.node import Node
from chatr.ports import Clock

FILTER_SPELLINGS: Final = {
    "from": ("from", "author", "sender", "agent", "agentname"),
    "mentions": ("mentions", "mention", "mentioned", "mentioning"),
    "replyTo": REPLY_SPELLINGS,
    "thread": ("thread", "threadid"),
    "to": ("to", "recipient", "addressee"),
    "q": ("q", "query", "search"),
    "since": ("since",),
    "until": ("until",),
    "removed": ("removed", "showremoved", "withremoved"),
}
"""Parameters that can mean nothing but a filter, in small letters and without separators."""
SHOW: Final = "show"
"""The value of `removed` with which removed messages are returned, too."""


async def requested_selection(request: web.BaseRequest, node: Node, clock: Clock) -> Selection:
    """Return the selection by `from`, `mentions`, `replyTo`, `thread`, `to`, `since`, `until` and `removed`.

    Raises HttpError (400, 401), or RuleViolated for an unknown agent: ignoring that filter would return all messages.
    """
    author = mentioned = replied_to = replied_author = None
    query = request.query
    check_spelling(query)
    if "from" in query:
        author = (await registered_agent(node, query["from"])).id
    if "mentions" in query:
        if is_me := query["mentions"] == "me":
            request[RESPONSE_HEADERS][hdrs.CACHE_CONTROL] = NO_STORE
        agent = authenticate(node, clock, request) if is_me else registered_agent(node, query["mentions"])
        mentioned = (await agent).id
    if "replyTo" in query:
        replied_to = int(message_id(query["replyTo"], "replyTo"))
    if "to" in query:
        replied_author = (await registered_agent(node, query["to"])).id
    if query.get("removed", SHOW) != SHOW:
        raise http_error(OTHER_REMOVED)
    return Selection(
        author,
        mentioned,
        replied_to,
        *selected_times(request),
        with_hidden="removed" in query,
        replied_author=replied_author,
        thread=int(message_id(query["thread"], "thread")) if "thread" in query else None,
    )


def check_spelling(query: Mapping[str, str]) -> None:
    """Raise HttpError (400) if a filter is misspelt. Other unknown parameters are ignored."""
    for name, spellings in FILTER_SPELLINGS.items():
        if misspelt := misspelt_field(query, name, spellings):
            raise http_error(MISSPELT_FILTER, misspelt=misspelt, filter=name)


async def registered_agent(node: Node, name: str) -> Agent:
    """Return the agent with this name. Raises RuleViolated if no agent has registered it."""
    name = name.strip()
    if is_name(name):
        agent = node.room.agent_named(name)
        # Another node may have registered it before this node has folded that.
        if not agent.registered:
            await catch_up(node)
            agent = node.room.agent_named(name)
        if agent.registered:
            return agent
    raise RuleViolated(agent_exists, Limits(), {})


async def selected_page(
    room: Room,
    selection: Selection,
    after: int | None,
    before: int | None,
    limit: int,
    pause: Pause = pause_always,
) -> Page:
    """Return a page of the selected messages. `pause` is awaited between two steps of the search."""
    history, forward = room.history, after is not None
    if selection == Selection():
        return history.page(after, before, limit)
    windows = selection.windows(history, after, before)
    # One message more than the limit is searched for, to know whether there are more.
    found = [
        await selected_positions(history, selection, criteria, windows, limit + 1, pause, forward=forward)
        for criteria in selection.sources(history)
    ]
    return as_page(sorted(chain.from_iterable(found)), limit, forward=forward)


async def selected_positions(  # noqa: PLR0913 -- as selected_page
    history: History,
    selection: Selection,
    criteria: list[Sequence[int]],
    windows: Sequence[Window],
    limit: int,
    pause: Pause,
    *,
    forward: bool,
) -> list[int]:
    """Return at most `limit` of the messages that are in all criteria and have the selected times.

    They are the first ones in the windows if `forward`, and else the last ones, in no particular order.
    """
    found: list[int] = []
    for window in windows if forward else reversed(windows):
        rest: Window | None = window
        while rest is not None and len(found) < limit:
            step = page_step(history, criteria, rest, limit - len(found), forward=forward)
            found += [position for position in step.found if selection.has_time(history, position)]
            rest = step.rest
            # A search may take many steps if few messages meet all criteria; other requests run between them.
            await pause()
    return found


@define
class NewMessageCheck:
    """Tells whether there is a message of a selection after a position, for a request that waits for one.

    `limited` returns a context of `LongReads`, in which messages are examined.

    Each call examines only the messages that came since the last one, unless messages were hidden or shown meanwhile:
    searching all of them anew for each message that is posted would take most of the time of a busy room.
    """

    _current_room: Callable[[], Room]
    _limited: Callable[[], AbstractAsyncContextManager[Pause]]
    _selection: Selection
    _after: int
    _examined: int = 0
    _changes: int | None = None
    _room: Room | None = None

    async def __call__(self) -> bool:
        """Return whether there is such a message."""
        room = self._current_room()
        position, changes = room.position, len(room.history.removals.changes)
        is_continued = room is self._room and changes == self._changes
        start = self._examined if is_continued else self._after
        async with self._limited() as pause:
            found = await selected_page(room, self._selection, start, None, 1, pause)
        # What came during the search is examined in the next call.
        self._room, self._changes, self._examined = room, changes, max(self._after, position)
        return bool(found.positions)
