"""Helpers of the tests of the audit: they make logs of events or records, and return what the audit finds."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import evolve

from chatr.domain.chain import ChainPoint
from chatr.domain.events import Event, LimitsAdopted, Record
from chatr.domain.limits import HOUR, Limits
from chatr.past.audit import Audit, Finding
from chatr.ports import Draft, Stored
from chatr.testing.clock import START
from chatr.testing.records import draft_of, records_of

NOW: Final = START + 24 * HOUR
"""The auditor's time."""
ADOPTED: Final = LimitsAdopted(Limits(), START)
"""The first event of most logs: the default limits."""


def stored_records(records: Iterable[Record]) -> list[Stored]:
    """The records as a store holds them."""
    stream_ends, stored = dict[str, int](), []
    for record in records:
        draft = draft_of(record.event, record_id=record.id, decided_at_position=record.decided_at_position)
        stored.append(stored_at(record.position, stream_ends.get(draft.stream, 0), draft))
        stream_ends[draft.stream] = record.position
    return stored


def stored_at(position: int, previous: int, draft: Draft) -> Stored:
    """The record that a draft becomes, with the right hash."""
    return draft.at_position(position, previous, draft.record_hash_after(previous))


def log_of(*events: Event) -> list[Stored]:
    """A log with exactly these events, whether the rules would have allowed them or not."""
    return stored_records(records_of(events))


def forged(records: list[Stored], position: int, **fields: Any) -> list[Stored]:
    """The log with one record changed and given a hash that fits."""
    victim = records[position - 1]
    previous = fields.pop("previous", victim.previous)
    draft = evolve(victim.draft, **fields)
    return [*records[: position - 1], stored_at(position, previous, draft), *records[position:]]


def findings_in(records: Iterable[Stored], *expected: ChainPoint) -> list[Finding]:
    """All findings in a log that should contain the `expected` chain points."""
    audit = Audit(NOW, expected)
    return [*(finding for each in records for finding in audit.check(each)), *audit.end()]


def errors_in(records: Iterable[Stored], *expected: ChainPoint) -> list[tuple[int, str]]:
    """Position and sentence of each finding that is not just a note."""
    return [(finding.position, finding.sentence) for finding in findings_in(records, *expected) if not finding.note]


def chain_point(records: Sequence[Stored], position: int) -> ChainPoint:
    """The chain point of a log at a position, as somebody may have written it down."""
    audit = Audit(NOW)
    for each in records[:position]:
        list(audit.check(each))
    return ChainPoint(position, audit.room.chain_hash)
