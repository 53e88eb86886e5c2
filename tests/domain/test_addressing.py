"""Who wrote, mentions and answers what: compared with a plain search through the whole log."""

from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from itertools import repeat

import pytest
from attrs import evolve
from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.events import Event, MessagePosted, Record
from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.message_index import MessageIndex
from chatr.domain.moderation_events import MessageRestored, RecordsErased
from chatr.domain.room import Room
from chatr.domain.sorted_arrays import insert_sorted, remove_sorted
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CRAB,
    CRAB_ERASED,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_REMOVED,
    LOBSTER,
    LOBSTER_REGISTERED,
    SHRIMP,
    SHRIMP_REGISTERED,
)
from tests.domain.test_removals import cpu_seconds

NAMES = {"crab": CRAB, "lobster": LOBSTER, "shrimp": SHRIMP}
ALL_REGISTERED = (CRAB_REGISTERED, LOBSTER_REGISTERED, SHRIMP_REGISTERED)


def posted(agent: AgentId, content: str, reply_to: int | None = None) -> MessagePosted:
    """A message."""
    return MessagePosted(agent, content, None, START, reply_to=reply_to)


def mentioned(history: Sequence[Record], record: Record) -> set[AgentId]:
    """The agents that a message of the strategies mentions: those with one of three names who registered before it."""
    assert isinstance(record.event, MessagePosted)
    registered = folded_room(history[: record.position - 1]).agents
    words = record.event.content.lower().replace("@", " @").replace(",", " ").replace(":", " ").split()
    return {NAMES[word[1:]] for word in words if word[1:] in NAMES and word[0] == "@" and NAMES[word[1:]] in registered}


Facts = dict[str, dict[Hashable, list[int]]]


def facts_of(history: Sequence[Record]) -> Facts:
    """The positions of visible messages by author, mentioned agent, target and addressee, found in the whole log."""
    room = folded_room(history)
    facts: Facts = {name: defaultdict(list) for name in ("author", "mentioned", "target", "replied", "addressee")}
    authors = {record.position: record.event.agent for record in history if isinstance(record.event, MessagePosted)}
    for record in history:
        if isinstance(record.event, MessagePosted) and record.position not in room.history.removals:
            for name, key in keys_of(history, record, authors):
                facts[name][key].append(record.position)
    return facts


def keys_of(
    history: Sequence[Record], record: Record, authors: dict[int, AgentId]
) -> Iterator[tuple[str, AgentId | int]]:
    """Yield under what the message is found."""
    assert isinstance(record.event, MessagePosted)
    agents, target = mentioned(history, record), record.event.reply_to
    yield "author", record.event.agent
    yield from (("mentioned", agent) for agent in agents)
    if target is not None:
        yield "target", target
        yield "replied", authors[target]
        agents = agents | {authors[target]}
    yield from (("addressee", agent) for agent in agents - {record.event.agent})


def indexes_of(room: Room) -> Facts:
    """What the room has found."""
    addressing = room.history.addressing
    indexes: dict[str, MessageIndex[AgentId] | MessageIndex[int]] = {
        "author": addressing.by_author,
        "mentioned": addressing.by_mentioned,
        "target": addressing.by_replied_to,
        "replied": addressing.by_replied_author,
        "addressee": addressing.by_addressee,
    }
    return {name: {key: list(each) for key, each in index.by_key.items()} for name, index in indexes.items()}


@pytest.mark.long
@whatever(histories())
def test_the_room_finds_what_a_search_of_the_log_finds(history: list[Record]) -> None:
    """The indexes by author, mention, target, its author and addressee have what a scan of the log finds."""
    assert indexes_of(folded_room(history)) == facts_of(history)


def test_a_mention_and_a_reply_address_an_agent_once() -> None:
    """A message that mentions an agent and replies to it is addressed to it once; its author is no addressee."""
    hello = posted(CRAB, "Hello!")
    both, own = posted(LOBSTER, "@Crab hello", reply_to=4), posted(CRAB, "@Crab, think", reply_to=4)
    addressing = folded_room(records_of([*ALL_REGISTERED, hello, both, own])).history.addressing

    assert {agent: list(each) for agent, each in addressing.by_addressee.by_key.items()} == {CRAB: [5]}
    assert list(addressing.by_mentioned.of(CRAB)) == [5, 6]
    assert list(addressing.by_replied_to.of(4)) == [5, 6]


def test_only_agents_that_exist_are_mentioned() -> None:
    """A message does not mention an agent that registers after it."""
    events: list[Event] = [
        CRAB_REGISTERED,
        posted(CRAB, "@Lobster, come!"),
        LOBSTER_REGISTERED,
        posted(CRAB, "@1obster, welcome!"),
    ]

    assert list(folded_room(records_of(events)).history.addressing.by_addressee.of(LOBSTER)) == [4]


def test_a_removed_message_is_found_again_once_restored() -> None:
    """A hidden message is addressed to nobody. Once restored, it is addressed to the same agents, in its old place."""
    messages = [posted(CRAB, "@Lobster one"), posted(CRAB, "@Lobster two")]
    removed, restored = evolve(CRAB_REMOVED, position=4), MessageRestored(CRAB, 4, "grace", START)
    events: list[Event] = [*ALL_REGISTERED, *messages, removed, restored]
    log = records_of(events)

    assert list(folded_room(log[:-1]).history.addressing.by_addressee.of(LOBSTER)) == [5]
    assert list(folded_room(log).history.addressing.by_addressee.of(LOBSTER)) == [4, 5]


def test_nothing_of_an_erased_message_stays() -> None:
    """The room does not remember what an erased message mentioned and replied to."""
    (named,) = CRAB_ERASED.records
    erased = evolve(CRAB_ERASED, records=(evolve(named, position=5),))
    events: list[Event] = [*ALL_REGISTERED, CRAB_POSTED, posted(CRAB, "@Lobster", reply_to=4), erased]
    room = folded_room(records_of(events))
    addressing = room.history.addressing

    assert (list(addressing.mentions.messages), list(addressing.replied_to.messages)) == ([], [])
    assert indexes_of(room)["addressee"] == {}


@whatever(st.lists(st.integers(0, 60), unique=True), st.lists(st.integers(0, 60), unique=True))
def test_positions_are_removed_few_or_many(numbers: list[int], removed: list[int]) -> None:
    """Removing many numbers at once has the same result as removing them one by one."""
    left = remove_sorted(array("q", sorted(numbers)), sorted(removed))

    assert list(left) == sorted(set(numbers) - set(removed))


@whatever(st.lists(st.integers(0, 60)), st.lists(st.integers(0, 60)))
def test_numbers_are_inserted_few_or_many(numbers: list[int], added: list[int]) -> None:
    """Inserting many numbers at once has the same result as inserting them one by one."""
    assert list(insert_sorted(array("q", sorted(numbers)), sorted(added))) == sorted([*numbers, *added])


def test_a_thousand_erasures_copy_the_messages_of_an_agent_once() -> None:
    """Where an agent has hundreds of thousands of messages, one record that erases a thousand stops nothing.

    The unit of work is a copy of their positions.
    """
    count = 200_000
    named = tuple(evolve(CRAB_ERASED.records[0], position=position) for position in range(1, 2_000, 2))
    erasure = RecordsErased(CRAB, named, "It is illegal.", "grace", START)
    erasing, copying = [], []
    for _ in range(3):
        history = History()
        history.positions.extend(range(1, count))
        history.times.column.extend(repeat(0, count - 1))
        history.addressing.authors.extend([CRAB] * (count - 1))
        history.addressing.index_all(())
        erasing.append(cpu_seconds(partial(history.apply_visibility, erasure, count)))
        copying.append(cpu_seconds(partial(array, "q", history.positions)))

    assert len(history.addressing.by_author.of(CRAB)) == count - 1 - len(named)
    assert min(erasing) < 200 * min(copying)
