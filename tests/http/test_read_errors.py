"""Responses where the log cannot be read: they say that, and nothing of what was stored."""

from typing import Final

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.codec import UnreadableRecord
from chatr.ports import CannotOpenLog, LogDamaged, LogUnavailable, RecordAltered, RecordMissing
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom

AWAY: Final = "The log cannot be read at the moment. Try again in 5 s."
DAMAGED: Final = "This part of the log is damaged and cannot be read"
ERRORS: Final = [
    (LogUnavailable("the store is away"), "storage_unavailable", AWAY, "5"),
    (RecordMissing("an older copy"), "storage_unavailable", AWAY, "5"),
    (LogDamaged("Line 3 of room.jsonl is no record."), "log_altered", DAMAGED, "60"),
    (CannotOpenLog("room.jsonl is cut off."), "log_altered", DAMAGED, "60"),
    (UnreadableRecord("Record 3 is damaged."), "log_altered", DAMAGED, "60"),
    (RecordAltered(3), "log_altered", "From record 3 on, the log is not as it was stored", "60"),
]
"""Everything that a store raises when it is read, with code, sentence and Retry-After."""


@pytest.mark.parametrize(("error", "code", "sentence", "retry"), ERRORS, ids=lambda each: type(each).__name__)
async def test_a_read_that_fails_says_so(
    error: Exception, code: str, sentence: str, retry: str, open_room: OpenRoom
) -> None:
    """Nobody who reads wanted to store something, and whether it helps to wait depends on the error."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    message = await room.post_message(await room.register(), "Hello!")
    log.fail("read", error)
    answer = await room.get("/api/at", params={"position": int(message["id"])})

    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, code, retry)
    assert answer.json["error"].startswith(sentence)
    assert "written" not in answer.json["error"]


async def test_a_check_in_that_cannot_read_says_so(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check-in is a POST, but what fails in it is a read."""
    monkeypatch.setattr("chatr.domain.history.MESSAGES_IN_MEMORY", 1)
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    ada, bob = await room.register("Ada"), await room.register("Bob")
    await room.post_message(ada, "one")
    await room.post_message(bob, "two")
    log.fail("pick", LogUnavailable("the store is away"))
    answer = await room.post("/api/checkin", {}, agent=bob)

    assert (answer.status, answer.json["error"]) == (503, AWAY)
