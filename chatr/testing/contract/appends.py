"""What a writer may rely on."""

from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Conflict, Draft, EventLog
from chatr.testing.contract.steps import chain, draft, everything, fill

TEXTS: Final = {
    "order of keys": '{"b":1,"a":2}',
    "a key twice": '{"a":1,"a":2}',
    "final zeros": '{"a":1.10}',
    "a number beyond 64 bits": '{"a":123456789012345678901234567890}',
    "an escaped null": '{"a":"\\u0000"}',
    "blanks": ' { "a" : 1 } ',
    "emoji": '{"a":"\U0001f99e\U0001f469\u200d\U0001f680"}',
    "line separators": '{"a":"\u2028\u2029\u0085"}',
    "letters in two parts": '{"a":"e\u0301"}',
    "quotes": '{"a":"\'; drop table log; --"}',
    "64 KiB": f'{{"a":"{"ä" * 32_768}"}}',
}
STREAMS: Final = (
    *(
        "agent/a",
        "agent/A",
        "agent/a ",
        " agent/a",
        "agent/",
        "agent",
        "agent/a/b",
        "agent.a",
        "agent.>",
        "agent.*",
        "*",
    ),
    *(">", "%", "agent/_", "agent/%", "agent/'", 'agent/"', "agent/\\", "agent/a;b", "1", "01", "1.0", "null", "true"),
    *("[]", "?", ":stream", "$1", "%s", "agent/\u00e4", "agent/a\u0308", "agent/\u0430", "agent/\u212a", "agent/k"),
    *("agent/K", "x" * 200, "x" * 199),
)


async def test_the_first_record_has_position_one(log: EventLog) -> None:
    """A log counts from 1."""
    stored = await log.append(draft(), expected=0)

    assert stored.position == 1


async def test_positions_increase_in_commit_order(log: EventLog) -> None:
    """The next record has the next position, whatever its stream."""
    stored = [*await chain(log, "agent/ada", 2), *await fill(log, 1), *await chain(log, "agent/bob", 2)]

    assert [each.position for each in stored] == [1, 2, 3, 4, 5]


async def test_a_record_comes_back_as_it_was_written(log: EventLog) -> None:
    """Every field of a draft is stored as it is, whatever its size."""
    written = Draft("0" * 36, "agent/ada", "noted.v2", 2**53, 2**31, '{"a": 1}')
    await log.append(written, expected=0)

    assert [written] == [each.draft for each in await log.read(0, 1)]


async def test_append_answers_with_what_is_read_later(log: EventLog) -> None:
    """The answer to an append is the record that every reader will see."""
    answered = await chain(log, "agent/ada", 3)

    assert answered == await everything(log)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_text_is_stored_character_by_character(log: EventLog, text: str) -> None:
    """A log does not read, sort, shorten or prettify the text it keeps."""
    await log.append(draft(data=text), expected=0)

    assert text == (await log.read(0, 1))[0].draft.data


async def test_text_that_is_no_unicode_is_an_error_that_stores_nothing(log: EventLog) -> None:
    """Half a surrogate pair cannot be written as UTF-8 and must not be changed silently."""
    with pytest.raises(ValueError, match="surrogates"):
        await log.append(draft(data='"\ud83e"'), expected=0)

    assert await log.head() == 0


async def test_a_record_names_the_one_before_it_in_its_stream(log: EventLog) -> None:
    """`previous` is the last position of the same stream, 0 for its first record."""
    ada = await chain(log, "agent/ada", 2)
    bob = await chain(log, "agent/bob", 1)
    ada += await chain(log, "agent/ada", 1, expected=2)

    assert [each.previous for each in ada + bob] == [0, 1, 2, 0]


async def test_the_check_is_the_digest_of_the_stored_record(log: EventLog) -> None:
    """Whoever reads a record can compute its check again from what it reads."""
    await chain(log, "agent/ada", 3)
    found = await everything(log)

    assert [each.check_after(each.previous) for each in found] == [each.check for each in found]


async def test_streams_are_told_apart_by_every_character(log: EventLog) -> None:
    """No name of a stream is folded, trimmed, matched as a pattern or run as code."""
    for stream in STREAMS:
        stored = await log.append(draft(stream), expected=0)
        await log.append(draft(stream), expected=stored.position)

    assert [each.draft.stream for each in await everything(log)] == [each for each in STREAMS for _ in range(2)]


EXPECTATIONS: Final = {
    "new": 0,
    "stale": 1,
    "of another stream": 2,
    "next": 4,
    "far ahead": 2**40,
    "before the log": -2,
}


@pytest.mark.parametrize("expected", EXPECTATIONS.values(), ids=EXPECTATIONS)
async def test_a_draft_lands_only_after_the_last_record_of_its_stream(log: EventLog, expected: int) -> None:
    """Any other expectation is a conflict and stores nothing."""
    await chain(log, "agent/ada", 1)
    await chain(log, "agent/bob", 1)
    await chain(log, "agent/ada", 1, expected=1)
    with pytest.raises(Conflict):
        await log.append(draft("agent/ada"), expected=expected)

    assert await log.head() == 3


async def test_a_stream_that_was_never_written_has_no_position_to_expect(log: EventLog) -> None:
    """The first record of a stream follows 0 and nothing else."""
    await fill(log, 1)
    with pytest.raises(Conflict):
        await log.append(draft(), expected=1)

    assert await log.head() == 1


async def test_a_conflict_names_the_record_that_follows_or_none(log: EventLog) -> None:
    """Whoever waits for the position in a conflict has then seen why it conflicted."""
    await chain(log, "agent/ada", 3)
    with pytest.raises(Conflict) as conflict:
        await log.append(draft("agent/ada"), expected=1)

    assert conflict.value.position in {2, None}


async def test_a_conflict_about_what_is_yet_to_come_names_no_record(log: EventLog) -> None:
    """Where nothing follows `expected`, there is no position to wait for."""
    await chain(log, "agent/ada", 1)
    with pytest.raises(Conflict) as conflict:
        await log.append(draft("agent/ada"), expected=7)

    assert conflict.value.position is None


async def test_a_conflict_takes_no_position(log: EventLog) -> None:
    """After a conflict the log works at once, and its positions have no hole."""
    await chain(log, "agent/ada", 1)
    with pytest.raises(Conflict):
        await log.append(draft("agent/ada"), expected=0)
    stored = await log.append(draft("agent/ada"), expected=1)

    assert stored.position == 2


async def test_the_same_draft_is_stored_once(log: EventLog) -> None:
    """Whoever missed the answer may ask again and gets the same one."""
    again = draft("agent/ada")
    first = await log.append(again, expected=0)
    second = await log.append(again, expected=0)

    assert ([first], first) == (await everything(log), second)


async def test_the_same_draft_is_stored_once_also_when_others_followed(log: EventLog) -> None:
    """An old draft sent again is answered with its old position, and not with a conflict."""
    again = draft("agent/ada")
    first = await log.append(again, expected=0)
    await chain(log, "agent/ada", 3, expected=1)
    second = await log.append(again, expected=0)

    assert (first, 4) == (second, await log.head())


async def test_an_id_with_another_text_is_another_draft(log: EventLog) -> None:
    """Only an identical draft has landed before; what merely shares its id conflicts."""
    first = await log.append(draft("agent/ada"), expected=0)
    with pytest.raises(Conflict):
        await log.append(evolve(first.draft, data='{"a":1}'), expected=0)

    assert [first] == await everything(log)
