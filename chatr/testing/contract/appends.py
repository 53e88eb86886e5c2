"""What one caller may rely on that appends to a log."""

from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Conflict, Draft, EventLog
from chatr.testing.contract.steps import LONE_SURROGATES, append_chain, append_many, new_draft, read_all

# Texts that a store would change that parses JSON, normalises Unicode, or interprets quotes and escapes.
STORED_TEXTS: Final = {
    "keys not in order": '{"b":1,"a":2}',
    "a duplicate key": '{"a":1,"a":2}',
    "trailing zeros": '{"a":1.10}',
    "a number beyond 64 bits": '{"a":123456789012345678901234567890}',
    "an escaped null": '{"a":"\\u0000"}',
    "spaces": ' { "a" : 1 } ',
    "emoji": '{"a":"\U0001f99e\U0001f469\u200d\U0001f680"}',
    "line separators": '{"a":"\u2028\u2029\u0085"}',
    "decomposed letters": '{"a":"e\u0301"}',
    "quotes": '{"a":"\'; drop table log; --"}',
    "64 KiB": f'{{"a":"{"ä" * 32_768}"}}',
}
# Names that differ only in case, spaces, normalisation or look-alike letters; that are patterns in SQL or in message
# brokers; and that a driver may take for parameters, numbers or other values.
STREAM_NAMES: Final = (
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


async def test_the_first_record_has_position_1(log: EventLog) -> None:
    """Positions begin with 1."""
    stored = await log.append(new_draft(), expected=0)

    assert stored.position == 1


async def test_positions_are_dense_across_streams(log: EventLog) -> None:
    """The next record has the next position, whatever its stream is."""
    stored = [
        *await append_chain(log, "agent/ada", 2),
        *await append_many(log, 1),
        *await append_chain(log, "agent/bob", 2),
    ]

    assert [each.position for each in stored] == [1, 2, 3, 4, 5]


async def test_every_field_is_read_as_it_was_appended(log: EventLog) -> None:
    """Every field of a draft is stored unchanged, however large its value is."""
    # The numbers do not fit into 32 bits.
    draft = Draft("0" * 36, "agent/ada", "noted.v2", 2**53, 2**31, '{"a": 1}')
    await log.append(draft, expected=0)

    assert [draft] == [each.draft for each in await log.read(0, 1)]


async def test_append_returns_the_record_that_is_read_later(log: EventLog) -> None:
    """An append returns the record as every reader will see it."""
    stored = await append_chain(log, "agent/ada", 3)

    assert stored == await read_all(log)


@pytest.mark.parametrize("text", STORED_TEXTS.values(), ids=STORED_TEXTS)
async def test_data_is_stored_character_by_character(log: EventLog, text: str) -> None:
    """A log does not parse, sort, shorten or format the text that it stores."""
    await log.append(new_draft(data=text), expected=0)

    assert text == (await log.read(0, 1))[0].draft.data


@pytest.mark.parametrize("surrogate", LONE_SURROGATES, ids=ascii)
async def test_text_with_a_lone_surrogate_is_rejected(log: EventLog, surrogate: str) -> None:
    """A lone surrogate cannot be encoded as UTF-8: the append raises ValueError and stores nothing."""
    with pytest.raises(ValueError, match="surrogates"):
        await log.append(new_draft(data=f'"{surrogate}"'), expected=0)

    assert await log.head() == 0


async def test_previous_is_the_last_position_of_the_same_stream(log: EventLog) -> None:
    """`previous` is the position of the record before it in its stream, 0 for the first one."""
    ada = await append_chain(log, "agent/ada", 2)
    bob = await append_chain(log, "agent/bob", 1)
    ada += await append_chain(log, "agent/ada", 1, expected=2)

    assert [each.previous for each in ada + bob] == [0, 1, 2, 0]


async def test_the_record_hash_can_be_computed_from_the_stored_record(log: EventLog) -> None:
    """The stored record hash is the hash of the stored fields."""
    await append_chain(log, "agent/ada", 3)
    records = await read_all(log)

    assert [each.record_hash_after(each.previous) for each in records] == [each.record_hash for each in records]


async def test_stream_names_are_compared_character_by_character(log: EventLog) -> None:
    """No name of a stream is case-folded, trimmed, matched as a pattern or executed."""
    for stream in STREAM_NAMES:
        stored = await log.append(new_draft(stream), expected=0)
        await log.append(new_draft(stream), expected=stored.position)

    assert [each.draft.stream for each in await read_all(log)] == [each for each in STREAM_NAMES for _ in range(2)]


EXPECTATIONS: Final = {
    "as in a new stream": 0,
    "stale": 1,
    "of another stream": 2,
    "the next position": 4,
    "far ahead": 2**40,
    "negative": -2,
}


@pytest.mark.parametrize("expected", EXPECTATIONS.values(), ids=EXPECTATIONS)
async def test_a_wrong_expectation_is_a_conflict_and_stores_nothing(log: EventLog, expected: int) -> None:
    """Only the last position of the draft's own stream is a right expectation."""
    await append_chain(log, "agent/ada", 1)
    await append_chain(log, "agent/bob", 1)
    await append_chain(log, "agent/ada", 1, expected=1)
    with pytest.raises(Conflict):
        await log.append(new_draft("agent/ada"), expected=expected)

    assert await log.head() == 3


async def test_a_new_stream_expects_0(log: EventLog) -> None:
    """The first record of a stream conflicts with any expectation but 0."""
    await append_many(log, 1)
    with pytest.raises(Conflict):
        await log.append(new_draft(), expected=1)

    assert await log.head() == 1


async def test_a_conflict_has_the_position_of_the_record_that_follows_or_none(log: EventLog) -> None:
    """A conflict names the record that follows `expected`: a caller that has read it knows why it conflicted."""
    await append_chain(log, "agent/ada", 3)
    with pytest.raises(Conflict) as conflict:
        await log.append(new_draft("agent/ada"), expected=1)

    assert conflict.value.position in {2, None}


async def test_a_conflict_with_an_expectation_beyond_the_log_has_no_position(log: EventLog) -> None:
    """If no record follows `expected`, the conflict names none."""
    await append_chain(log, "agent/ada", 1)
    with pytest.raises(Conflict) as conflict:
        await log.append(new_draft("agent/ada"), expected=7)

    assert conflict.value.position is None


async def test_a_conflict_leaves_no_hole(log: EventLog) -> None:
    """The next append after a conflict gets the next position."""
    await append_chain(log, "agent/ada", 1)
    with pytest.raises(Conflict):
        await log.append(new_draft("agent/ada"), expected=0)
    stored = await log.append(new_draft("agent/ada"), expected=1)

    assert stored.position == 2


async def test_a_repeated_append_is_stored_once(log: EventLog) -> None:
    """An append that is repeated with the same draft and expectation returns the same record again."""
    draft = new_draft("agent/ada")
    first = await log.append(draft, expected=0)
    second = await log.append(draft, expected=0)

    assert ([first], first) == (await read_all(log), second)


async def test_a_repeated_append_is_stored_once_also_if_others_followed(log: EventLog) -> None:
    """A late repetition returns the record at its old position, and is no conflict."""
    draft = new_draft("agent/ada")
    first = await log.append(draft, expected=0)
    await append_chain(log, "agent/ada", 3, expected=1)
    second = await log.append(draft, expected=0)

    assert (first, 4) == (second, await log.head())


async def test_the_same_id_with_other_data_is_a_conflict(log: EventLog) -> None:
    """A repetition is recognised by all fields of the draft, not by its id."""
    first = await log.append(new_draft("agent/ada"), expected=0)
    with pytest.raises(Conflict):
        await log.append(evolve(first.draft, data='{"a":1}'), expected=0)

    assert [first] == await read_all(log)
