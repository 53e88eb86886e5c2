"""chatr audit says whether each empty message was erased, also while a server erases."""

import asyncio
from typing import Final

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.cli.commands.audit import audit_records, read_erased_again
from chatr.cli.output.audit_report import Report
from chatr.domain.limits import HOUR, MINUTE
from chatr.past.audit import Audit
from chatr.ports import EventLog
from chatr.testing.clock import START
from chatr.testing.records import draft_of, folded_room, log_with, records_after
from chatr.testing.secrets import record_id
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile
from tests.cli.steps import DIGEST
from tests.erasures import erasure_of

RECORDS: Final = records_after(COMMANDS)
ADAS_MESSAGES: Final = (5, 9)


async def append_erasure(log: EventLog) -> None:
    """Append the record that erases Ada's messages."""
    event = evolve(erasure_of(*await log.pick(ADAS_MESSAGES)), at=START + 5 * MINUTE)
    draft = draft_of(event, record_id=record_id(99), decided_at_position=len(RECORDS))
    await log.append(draft, expected=folded_room(RECORDS).agent(ADA).position)


def erase(log_file: LogFile, *, with_record: bool = True) -> None:
    """Erase Ada's messages from a log, with or without the record that says so."""

    async def erase_in_file() -> None:
        async with sqlite_log(log_file.path) as log:
            if with_record:
                await append_erasure(log)
            await log.erase(ADAS_MESSAGES)

    asyncio.run(erase_in_file())


def test_an_erased_log_has_no_findings(chatr: Chatr, log_file: LogFile) -> None:
    """Whoever stored a head before the erasure finds that nothing else was changed."""
    erase(log_file)
    result = chatr("audit", "--log", log_file.url, "--expect", f"{len(COMMANDS)}:{DIGEST}")

    assert result.code == 0
    assert result.lines[0] == "11 records of log 00000001-0000-4000-8000-000000000000: 0 findings, 0 notes."


def test_messages_that_were_emptied_by_hand_are_found(chatr: Chatr, log_file: LogFile) -> None:
    """The empty messages that no record erased are findings with their positions, although the head is right."""
    erase(log_file, with_record=False)
    result = chatr("audit", "--log", log_file.url, "--expect", f"{len(COMMANDS)}:{DIGEST}")

    sentence = "It is empty, and no record erased it: its text was removed by hand."
    assert result.code == 1
    assert result.lines[:-2] == [f"2 findings at positions {ADAS_MESSAGES[0]}, {ADAS_MESSAGES[1]}: {sentence}"]


@pytest.mark.parametrize("read_before", [True, False])
async def test_erasing_while_the_log_is_audited_is_no_finding(*, read_before: bool) -> None:
    """A message may be emptied after it was read, or before the record was there that erased it."""
    log, audit, report = await log_with(MemoryLog(), RECORDS), Audit(START + HOUR), Report(as_json=True)
    await append_erasure(log)
    if read_before:
        await audit_records(log, audit, report, len(RECORDS) + 1)
        await log.erase(ADAS_MESSAGES)
    else:
        await log.erase(ADAS_MESSAGES)
        await audit_records(log, audit, report, len(RECORDS))
    await read_erased_again(log, audit, report)

    assert list(audit.end()) == []
