"""Stored forms that never change, because logs contain them. If a test fails here, fix the code, never the test."""

from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given as whatever
from msgspec import json

from chatr.codec import EVENT_TYPES, TYPE_NAMES, UnreadableRecord, decode
from chatr.domain.commands import agent_id, older_agent_id
from chatr.domain.events import (
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
    VerificationStarted,
)
from chatr.domain.identity import AgentId
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyIssued, KeyRevoked
from chatr.domain.limits import Limit, Limits
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    ErasedRecord,
    MessageRemoved,
    MessageRestored,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)
from chatr.domain.room import Room
from chatr.domain.text import canonical
from chatr.ports import Draft, Stored
from chatr.testing.records import draft_of, folded_room
from chatr.testing.strategies import events

CRAB: Final = AgentId("b6d931fa-8c94-5596-a61e-d8b87a0e3a89")
AT: Final = 1_767_225_600_000
LOG: Final[list[Event]] = [
    LimitsAdopted(Limits(Limit(10, 60_000), Limit(1, 300_000), 1_800_000), AT),
    AgentRegistered(CRAB, "Crab", "🦀", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", AT + 1),
    AgentSeen(CRAB, AT + 2),
    MessagePosted(CRAB, 'Hello, "crabs" & café 🦀\n\ta new\u2028line', "first", AT + 3),
    VerificationStarted(CRAB, "ClawdCrab", "K7QZ2XWB", AT + 172_800_004, AT + 4),
    AgentVerified(CRAB, "ClawdCrab", "crabowner", "0b54c1a6-7d57-4c43-8d3f-6b6a3fb4e1c9", AT + 5),
    AgentLeft(CRAB, AT + 6),
    KeyIssued(CRAB, "a" * 64, 3_600_000, None, AT + 7),
    KeyActivated(CRAB, "a" * 64, AT + 8),
    KeyRevoked(CRAB, "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", "grace", AT + 9),
    AgentRecovered(CRAB, "b" * 64, "7c0a1d52-7d57-4c43-8d3f-6b6a3fb4e1c9", AT + 10, "9f3c"),
    MessageRemoved(CRAB, 4, "It is an advertisement.", "grace", AT + 11),
    MessageRestored(CRAB, 4, "grace", AT + 12),
    RecordsErased(CRAB, (ErasedRecord(4, "c" * 64),), "It named a person.", "grace", AT + 13),
    AgentApproved(CRAB, "grace", AT + 14),
    ApprovalWithdrawn(CRAB, "The owner asked for it.", "grace", AT + 15),
    BadgeWithdrawn(CRAB, "The account was sold.", "grace", AT + 16),
    AgentSuspended(CRAB, AT + 604_800_017, "It posts advertisements.", "grace", AT + 17),
    AgentReinstated(CRAB, "grace", AT + 18),
    RoomClosed("A wave of advertisements", "grace", AT + 19),
    RoomOpened("grace", AT + 20),
]
"""One event of each type, in an order in which they can happen."""
OF_FIRST_VERSION: Final = LOG[:7]
"""The events of which the room below consists."""
CHAIN_HASH: Final = "efb18bb8a452f2f24541c5b9947d1975d6c48ea1897f4fb01c9f704d9d0c4c50"


def stored(event: Event) -> Stored:
    """The record of an event as it was stored when its type was new."""
    file = Path(__file__).with_name("stored") / f"{TYPE_NAMES[type(event)]}.json"
    fields: dict[str, Any] = json.decode(file.read_bytes())
    position, previous, check = (fields.pop(name) for name in ("position", "previous", "check"))
    fields["decided_at_position"] = fields.pop("seen")
    return Draft(**fields).at_position(position, previous, bytes.fromhex(check))


def test_every_type_of_event_has_an_example() -> None:
    """The log above contains one event of each type, and each type has one name."""
    assert {type(event) for event in LOG} == set(EVENT_TYPES.values())
    assert len(TYPE_NAMES) == len(EVENT_TYPES)


@pytest.mark.parametrize("event", LOG, ids=lambda event: TYPE_NAMES[type(event)])
def test_a_stored_record_can_be_read_for_ever(event: Event) -> None:
    """A record stored long ago is decoded to the same event."""
    record = decode(stored(event))

    assert record.event == event
    assert (record.position, record.decided_at_position, record.id) == (
        LOG.index(event) + 1,
        LOG.index(event),
        stored(event).id,
    )


@pytest.mark.parametrize("event", LOG, ids=lambda event: TYPE_NAMES[type(event)])
def test_an_event_is_stored_as_the_same_bytes_for_ever(event: Event) -> None:
    """The same event is encoded to the same text, so that its record has the same hash."""
    record = stored(event)

    assert draft_of(event, record_id=record.id, decided_at_position=record.decided_at_position) == record.draft


@pytest.mark.parametrize("event", LOG, ids=lambda event: TYPE_NAMES[type(event)])
def test_a_record_hash_is_the_digest_of_the_stored_record(event: Event) -> None:
    """The stored hash is that of every field of the record except its position."""
    record = stored(event)

    assert record.record_hash_after(record.previous) == record.record_hash


@pytest.mark.parametrize(
    "change",
    [{"id": "0"}, {"stream": "room "}, {"type": "x"}, {"at": AT + 9}, {"decided_at_position": 99}, {"data": "{}"}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_field_changes_the_record_hash(change: dict[str, Any]) -> None:
    """A change of any field of a record, or of the previous position of its stream, changes the hash."""
    record = stored(LOG[3])

    assert evolve(record, **change).record_hash_after(record.previous) != record.record_hash
    assert record.record_hash_after(record.previous + 1) != record.record_hash


def test_the_chain_hash_of_a_log_never_changes() -> None:
    """A chain hash that someone has written down can be checked with any later chatr."""
    assert folded_room(decode(stored(event)) for event in OF_FIRST_VERSION).chain_hash.hex() == CHAIN_HASH


def test_a_computed_property_is_not_stored() -> None:
    """Limits of which a cached property was computed are stored like any others: only fields are stored."""
    limits = Limits()
    assert limits.post_times_needed

    assert draft_of(LimitsAdopted(limits, AT), record_id="1").data == stored(LOG[0]).data


def test_limits_that_a_log_lacks_are_not_stored() -> None:
    """Limits without the younger ones are stored as they were before there were any; with them, all are stored."""
    full = Limits(seen_every=300_000, leaving=Limit(12, 3_600_000), verifying=Limit(10, 3_600_000))
    texts = [draft_of(LimitsAdopted(each, AT), record_id="1").data for each in (Limits(), full)]
    rate = '{"count":%d,"window":3600000}'
    added = ',"seen_every":300000,"leaving":' + rate % 12 + ',"verifying":' + rate % 10 + "}}"

    assert texts == [stored(LOG[0]).data, stored(LOG[0]).data.removesuffix("}}") + added]
    assert decode(draft_of(LimitsAdopted(full, AT), record_id="1").at_position(1, 0, b"")).event == LimitsAdopted(
        full, AT
    )


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (4, "host", "chat.example.org"),
        (4, "host", ""),
        (5, "account_id", "9f3c"),
        (3, "salt", "MDEyMzQ1Njc4OWFi"),
        (3, "reply_to", 2),
        (3, "automatic", True),
        (2, "read", 1042),
        (1, "by", "grace"),
        (1, "request", "d" * 64),
    ],
)
def test_a_younger_field_is_stored_at_the_end(number: int, field: str, value: object) -> None:
    """A field that is younger than its event follows the others where it has a value, and is read back."""
    older: Any = LOG[number]
    event = evolve(older, **{field: value})
    draft = draft_of(event, record_id="1")

    assert draft.data == f'{stored(older).data.removesuffix("}")},"{field}":{json.encode(value).decode()}}}'
    assert decode(draft.at_position(1, 0, b"")).event == event


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(registration="approval"), '"registration":"approval"'),
        (Limits(reading="agents"), '"reading":"agents"'),
    ],
    ids=["registration", "reading"],
)
def test_a_younger_limit_is_stored_at_the_end(limits: Limits, text: str) -> None:
    """A limit that is younger than limits follows the others where it has a value, and is read back."""
    event = LimitsAdopted(limits, AT)
    draft = draft_of(event, record_id="1")

    assert draft.data == f"{stored(LOG[0]).data.removesuffix('}}')},{text}}}}}"
    assert decode(draft.at_position(1, 0, b"")).event == event


def test_an_erased_message_is_read_as_an_empty_one() -> None:
    """Of a message whose text was erased, the agent and the time are known."""
    erased = evolve(stored(LOG[3]), data="")

    assert decode(erased).event == MessagePosted(CRAB, "", None, AT + 3)


@pytest.mark.parametrize("event", [LOG[1], LOG[5]], ids=lambda event: TYPE_NAMES[type(event)])
def test_only_messages_can_be_erased(event: Event) -> None:
    """An empty record of another type is damaged."""
    with pytest.raises(UnreadableRecord, match="is damaged"):
        decode(evolve(stored(event), data=""))


@whatever(events())
def test_every_event_is_read_back_the_same(event: Event) -> None:
    """An event that is encoded and decoded is the same event. Its text contains no raw newline."""
    draft = draft_of(event, record_id="1", decided_at_position=0)

    assert decode(draft.at_position(1, 0, b"")).event == event
    assert "\n" not in draft.data
    assert draft.stream == Room().stream_end(event).stream


@pytest.mark.parametrize(
    "draft",
    [
        Draft("1", "agent/x", "agent-seen.v2", AT, 0, '{"agent":"x"}'),
        Draft("1", "agent/x", "agent-seen.v1", AT, 0, "{}"),
        Draft("1", "agent/x", "agent-seen.v1", AT, 0, "[]"),
        Draft("1", "agent/x", "agent-seen.v1", AT, 0, "null"),
        Draft("1", "agent/x", "agent-seen.v1", AT, 0, '{"agent":"x"'),
        Draft("1", "agent/x", "agent-seen.v1", AT, 0, '{"agent":null}'),
        Draft("1", "room", "limits-adopted.v1", AT, 0, '{"limits":null}'),
    ],
    ids=lambda draft: f"{draft.type} {draft.data}",
)
def test_an_unreadable_record_is_an_error(draft: Draft) -> None:
    """Decoding a record of an unknown type, or a damaged one, is an error that names its position."""
    with pytest.raises(UnreadableRecord, match="Record 7 "):
        decode(draft.at_position(7, 0, b""))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Crab", "crab"),
        ("Il1-", "lll_"),
        ("O0o_0", "ooo_o"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghljklmnopqrstuvwxyz"),
        ("abcdefghijklmnopqrstuvwxyz", "abcdefghljklmnopqrstuvwxyz"),
        ("0123456789_-", "ol23456789__"),
    ],
)
def test_canonical_names(name: str, expected: str) -> None:
    """Lower case; `-` counts as `_`, `1` and `i` as `l`, `0` as `o`."""
    assert canonical(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Crab", "b6d931fa-8c94-5596-a61e-d8b87a0e3a89"),
        ("cRAB", "b6d931fa-8c94-5596-a61e-d8b87a0e3a89"),
        ("Lobster-10", "68129a16-d807-594b-98d5-18745f069e59"),
        ("l0b5ter_IO", "72046c2c-f9ea-5f41-b55b-952c16ca3cf0"),
        ("_" * 32, "4b91fdfa-e89e-55aa-9c3f-09e520aa2be9"),
    ],
)
def test_ids_of_older_versions_follow_from_names(name: str, expected: str) -> None:
    """The id of an agent that an older version registered is uuid5 of its canonical name."""
    assert older_agent_id(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Crab", "b6d931fa-8c94-5596-a61e-d8b87a0e3a89"),
        ("C-ra_b", "b6d931fa-8c94-5596-a61e-d8b87a0e3a89"),
        ("Lobster-10", "0de8f96c-dd1b-5e05-8ed2-abf3dde034f6"),
        ("Clavvd", "fc4a1cb8-7b87-5d24-b836-4d5e4773007e"),
        ("cl-awd", "fc4a1cb8-7b87-5d24-b836-4d5e4773007e"),
        ("Mornvw", "4d6e8256-c89c-5cf7-bb54-ab410ee3e570"),
        ("__", "82ff6aa3-2b21-582a-a77a-242c44873daa"),
    ],
)
def test_ids_follow_from_names(name: str, expected: str) -> None:
    """The id of a new agent is uuid5 of the strict form of its name."""
    assert agent_id(name) == expected
