"""Pages of messages that are selected by several criteria, by time, and also if they are hidden."""

import asyncio
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.endpoints.selected_messages import selected_page
from chatr.domain import selection
from chatr.domain.events import Event, MessagePosted
from chatr.domain.identity import AgentId
from chatr.domain.limits import SECOND
from chatr.domain.moderation_events import ErasedRecord, MessageRemoved, MessageRestored, RecordsErased
from chatr.domain.room import Room
from chatr.domain.selection import Selection
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from tests.domain.examples import CRAB, LOBSTER
from tests.domain.test_addressing import ALL_REGISTERED

FIRST = len(ALL_REGISTERED) + 1
AUTHORS = st.sampled_from((CRAB, LOBSTER))
# Two clocks that differ, one that steps back, and one that is years ahead.
STEPS = st.sampled_from((0, 1, 1, 1, -1, -5, 10**9))
MOMENTS = st.none() | st.integers(-10, 30).map(lambda second: START + second * SECOND)
EDGES = st.none() | st.integers(0, 40)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Messages of two agents, some of which mention one and reply, and removals among them."""
    events: list[Event] = [*ALL_REGISTERED]
    second, messages = 0, [0]
    for position in range(FIRST, FIRST + draw(st.integers(0, 20))):
        step = draw(STEPS)
        second += step if step < 10**9 else 0
        at = START + (second + (step if step == 10**9 else 0)) * SECOND + draw(st.integers(0, 999))
        target = draw(st.sampled_from(messages))
        kind = draw(st.sampled_from(("post", "post", "post", "remove", "restore", "erase"))) if target else "post"
        if kind == "post":
            text = draw(st.sampled_from(("Hello", "@Crab", "@Lobster")))
            events.append(MessagePosted(draw(AUTHORS), text, None, at, reply_to=target or None))
            messages.append(position)
        elif kind == "remove":
            events.append(MessageRemoved(CRAB, target, "spam", "grace", at))
        elif kind == "restore":
            events.append(MessageRestored(CRAB, target, "grace", at))
        else:
            events.append(RecordsErased(CRAB, (ErasedRecord(target, "0" * 64),), "illegal", "grace", at))
    return events


SELECTIONS = st.builds(
    Selection,
    st.none() | AUTHORS,
    st.none() | AUTHORS,
    st.none() | st.integers(FIRST, FIRST + 5),
    MOMENTS,
    MOMENTS,
    with_hidden=st.booleans(),
)


def selects(wanted: Selection, room: Room, position: int, event: Event) -> bool:
    """Whether a record is a message that is wanted, found without any index."""
    if not isinstance(event, MessagePosted):
        return False
    removal = room.history.removals.by_message.get(position)
    mentioned: list[AgentId] = [{"@Crab": CRAB, "@Lobster": LOBSTER}[event.content]] if "@" in event.content else []
    target = event.reply_to
    if removal is not None and removal.erased:
        mentioned, target = [], None
    return (
        (removal is None or wanted.with_hidden)
        and wanted.author in (None, event.agent)
        and (wanted.mentioned is None or wanted.mentioned in mentioned)
        and wanted.replied_to in (None, target)
        and (wanted.since is None or event.at >= wanted.since)
        and (wanted.until is None or event.at < wanted.until)
    )


@pytest.mark.long
@given(logs(), SELECTIONS, EDGES, EDGES, st.integers(1, 10))
def test_a_page_has_what_a_search_of_the_log_finds(
    events: list[Event], wanted: Selection, after: int | None, before: int | None, limit: int
) -> None:
    """Whatever is selected, a page has the first such messages after an id, or the last ones; also where clocks stepped
    back and messages were removed, erased and restored.
    """
    room = folded_room(records_of(events))
    found = [position for position, event in enumerate(events, 1) if selects(wanted, room, position, event)]
    found = [each for each in found if (after is None or each > after) and (before is None or each < before)]
    expected = found[-limit:] if after is None else found[:limit]
    with patch.object(selection, "MESSAGES_A_STEP", 2):
        page = asyncio.run(selected_page(room, wanted, after, before, limit))

    assert (list(page.positions), page.has_more) == (expected, len(found) > limit)
