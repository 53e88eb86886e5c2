"""What is frozen for ever: it stands in logs. Should a test here fail, change the code and never the test."""

from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from attrs import evolve
from hypothesis import given as whatever

from chatr.codec import NAMES, TYPES, Unreadable, decode, encode
from chatr.domain.commands import agent_id
from chatr.domain.events import (
    AgentId,
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
    VerificationStarted,
    stream_of,
)
from chatr.domain.limits import Limit, Limits
from chatr.domain.text import canonical
from chatr.ports import Draft, Stored
from chatr.testing.records import folded
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
]
"""One of each type; position by position they make a log that obeys the rules."""
HEAD: Final = "efb18bb8a452f2f24541c5b9947d1975d6c48ea1897f4fb01c9f704d9d0c4c50"


def stored(event: Event) -> Stored:
    """The record as it was stored when its type was new."""
    file = Path(__file__).with_name("stored") / f"{NAMES[type(event)]}.json"
    frozen: dict[str, Any] = orjson.loads(file.read_bytes())
    position, previous, check = (frozen.pop(name) for name in ("position", "previous", "check"))
    return Draft(**frozen).placed(position, previous, bytes.fromhex(check))


def test_every_type_of_event_is_frozen() -> None:
    """The log below holds one of each type, and each type has one name."""
    assert {type(event) for event in LOG} == set(TYPES.values())
    assert len(NAMES) == len(TYPES)


@pytest.mark.parametrize("event", LOG, ids=lambda event: NAMES[type(event)])
def test_a_stored_record_is_read_for_ever(event: Event) -> None:
    """A record stored long ago becomes the event that it was."""
    record = decode(stored(event))

    assert record.event == event
    assert (record.position, record.seen, record.id) == (LOG.index(event) + 1, LOG.index(event), stored(event).id)


@pytest.mark.parametrize("event", LOG, ids=lambda event: NAMES[type(event)])
def test_an_event_is_stored_byte_by_byte_as_ever(event: Event) -> None:
    """The same event becomes the same text, so that its check stays what it was."""
    before = stored(event)

    assert encode(event, record_id=before.id, seen=before.seen) == before.draft


@pytest.mark.parametrize("event", LOG, ids=lambda event: NAMES[type(event)])
def test_a_check_is_the_digest_of_the_record_as_stored(event: Event) -> None:
    """The check covers every field of a record but its position."""
    before = stored(event)

    assert before.check_after(before.previous) == before.check


@pytest.mark.parametrize(
    "change",
    [{"id": "0"}, {"stream": "room "}, {"type": "x"}, {"at": AT + 9}, {"seen": 99}, {"data": "{}"}],
    ids=lambda change: next(iter(change)),
)
def test_no_field_can_be_changed_unnoticed(change: dict[str, Any]) -> None:
    """Whatever is changed in a record changes its check; so does another previous position."""
    before = stored(LOG[3])

    assert evolve(before, **change).check_after(before.previous) != before.check
    assert before.check_after(before.previous + 1) != before.check


def test_the_head_of_the_log() -> None:
    """Whoever kept the head of a log can check it with any later chatr."""
    assert folded(decode(stored(event)) for event in LOG).head.hex() == HEAD


@whatever(events())
def test_every_event_survives_the_trip(event: Event) -> None:
    """What is stored is read back the same, and holds no raw newline."""
    draft = encode(event, record_id="1", seen=0)

    assert decode(draft.placed(1, 0, b"")).event == event
    assert "\n" not in draft.data
    assert draft.stream == stream_of(event)


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
def test_what_cannot_be_read_is_never_skipped(draft: Draft) -> None:
    """A record of an unknown type, or one that is damaged, is an error that names its position."""
    with pytest.raises(Unreadable, match="Record 7 "):
        decode(draft.placed(7, 0, b""))


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
def test_ids_follow_from_names(name: str, expected: str) -> None:
    """An agent's id is uuid5 of its canonical name."""
    assert agent_id(name) == expected
