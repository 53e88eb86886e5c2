"""An exported file, read as a log: whole, from any place, and never by mistake."""

import gzip
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatr.adapters.export_file import LONGEST, export_reader, new_export
from chatr.adapters.export_lines import Closing, closing_line, record_line
from chatr.domain.events import Cursor
from chatr.ports import Draft, LogChanged, Stored, Unusable
from chatr.testing.contract.steps import everything, followed
from chatr.transfer import BEGINNING

LENGTH: Final = 2_500
"""Records of a file in which the reader remembers several places."""


def records(count: int) -> list[Stored]:
    return [
        draft.placed(position, 0, draft.check_after(0))
        for position in range(1, count + 1)
        for draft in [Draft(f"{position:08x}-", f"agent/{position}", "noted.v1", 0, 0, '{"text": "🦀\\u2028\\n"}')]
    ]


MANY: Final = records(LENGTH)


def export(path: Path, log: list[Stored]) -> Path:
    with new_export(path) as file:
        file.writelines(map(record_line, log))
        file.write(closing_line(Closing(len(log), BEGINNING.after(log).head if log else BEGINNING.head)))
    return path


@pytest.fixture(params=["room.jsonl", "room.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name: str = request.param
    return tmp_path / name


async def test_what_was_written_is_read(path: Path) -> None:
    """Every field comes back character by character."""
    async with export_reader(export(path, MANY)) as log:
        assert await everything(log) == MANY


async def test_the_name_decides_whether_it_is_packed(path: Path) -> None:
    """What ends with .gz can be unpacked with what everybody has."""
    written = export(path, records(3)).read_bytes()
    lines = gzip.decompress(written) if path.suffix == ".gz" else written

    assert lines.count(b"\n") == 4


async def test_a_packed_file_needs_no_name(tmp_path: Path) -> None:
    """The reader sees for itself whether a file is packed."""
    export(tmp_path / "room.jsonl.gz", records(3)).rename(tmp_path / "monday")

    async with export_reader(tmp_path / "monday") as log:
        assert await log.head() == 3


async def test_an_empty_log_can_be_exported(path: Path) -> None:
    """No records are a log, too."""
    async with export_reader(export(path, [])) as log:
        assert (await log.head(), await log.read(0, 10)) == (0, [])


@given(asked=st.lists(st.tuples(st.integers(0, LENGTH + 10), st.integers(0, 30)), min_size=1, max_size=20))
@settings(max_examples=20)
async def test_pages_in_any_order(tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, int]]) -> None:
    """Wherever a page begins, and whatever was read before, it is that part of the log."""
    path = export(tmp_path_factory.mktemp("pages") / "room.jsonl.gz", MANY)
    async with export_reader(path) as log:
        pages = [await log.read(after, limit) for after, limit in asked]

    assert pages == [MANY[after : after + limit] for after, limit in asked]


async def test_pick_finds_records_in_the_order_asked(path: Path) -> None:
    """The positions decide about the order, also where one of them stands twice."""
    async with export_reader(export(path, MANY)) as log:
        picked = await log.pick([2_400, 1, 2_399, 1, 2_500])

    assert [each.position for each in picked] == [2_400, 1, 2_399, 1, 2_500]


async def test_a_tail_gives_all_there_is(path: Path) -> None:
    """A follower gets every record after its cursor; then it waits for what never comes."""
    log_of = MANY
    async with export_reader(export(path, log_of)) as log:
        assert await followed(log, LENGTH) == log_of
        assert await followed(log, 7, log_of[-8].cursor) == log_of[-7:]


@pytest.mark.parametrize("cursor", [Cursor(2, "ffffffff"), Cursor(9, "00000009"), Cursor(0, "")])
async def test_a_tail_from_a_foreign_cursor(path: Path, cursor: Cursor) -> None:
    """A cursor that this log never gave is told as such."""
    async with export_reader(export(path, records(3))) as log:
        with pytest.raises(LogChanged):
            await anext(log.tail(cursor))


async def refusal(path: Path) -> str:
    """The sentence with which a file is refused, be it when it is opened or when it is read."""
    with pytest.raises(Unusable) as refused:
        async with export_reader(path) as log:
            await everything(log)
    told = str(refused.value)
    assert "\n" not in told
    assert told.endswith(".")
    return told


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=20)
@pytest.mark.parametrize("name", ["room.jsonl", "room.jsonl.gz"])
async def test_a_file_that_is_cut_off(tmp_path_factory: pytest.TempPathFactory, name: str, share: float) -> None:
    """Wherever a file is cut, it is refused in one sentence that names it."""
    path = export(tmp_path_factory.mktemp("cut") / name, records(5))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * (len(whole) - 1))])

    assert str(path) in await refusal(path)


async def test_a_cut_says_where_it_is(tmp_path: Path) -> None:
    """Whoever lost the end of a file is told how much is left."""
    path = export(tmp_path / "room.jsonl", records(5))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])

    assert await refusal(path) == f"{path} is cut off after record 3: its closing line is missing."


def without(lines: list[bytes], index: int) -> list[bytes]:
    return lines[:index] + lines[index + 1 :]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: without(lines, 2), " holds 4 records and should hold 5"),
        (lambda lines: [*lines[:2], *lines[1:]], " holds 6 records and should hold 5"),
        (lambda lines: [*lines, *lines], " holds 11 records and should hold 5"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "Line 1 of "),
        (lambda lines: [*lines[:3], b"nonsense\n", *lines[4:]], "Line 4 of "),
        (lambda lines: [*lines[:3], lines[3].replace(b'"at":0', b'"at":"0"'), *lines[4:]], "Line 4 of "),
        (lambda lines: [*lines[:3], lines[3].replace(b'"check":"', b'"check":"x'), *lines[4:]], "Line 4 of "),
        (lambda lines: [*lines[:3], b"[]\n", *lines[4:]], "Line 4 of "),
    ],
    ids=["line lost", "line doubled", "two in one", "lines swapped", "no JSON", "no number", "no digest", "no object"],
)
async def test_a_file_that_was_changed(tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], told: str) -> None:
    """Lines that are lost, doubled, moved or spoiled are told by number."""
    path = export(tmp_path / "room.jsonl", records(5))
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    assert told in await refusal(path)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"Dear diary\n", b"SQLite format 3\0", b"\x1f\x8b"])
async def test_a_file_that_is_no_export(tmp_path: Path, content: bytes) -> None:
    """Whatever else a file is, it is named and refused."""
    path = tmp_path / "room.jsonl"
    path.write_bytes(content)

    assert str(path) in await refusal(path)


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
async def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    """A file that cannot be opened is named, and why."""
    assert str(tmp_path / name) in await refusal(tmp_path / name)


async def test_a_record_may_say_more_than_we_know(tmp_path: Path) -> None:
    """A field that a newer chatr writes is passed over."""
    path = export(tmp_path / "room.jsonl", records(1))
    path.write_bytes(path.read_bytes().replace(b'{"position"', b'{"colour":"red","position"'))

    async with export_reader(path) as log:
        assert await everything(log) == records(1)


async def test_a_line_without_end_is_not_taken_into_memory(tmp_path: Path) -> None:
    """A file that is one endless line is refused without being read whole into memory."""
    path = tmp_path / "room.jsonl"
    with path.open("wb") as file:
        file.truncate(64 * LONGEST)
    tracemalloc.start()
    try:
        await refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 32 * LONGEST


def test_an_export_is_private_and_overwrites_nothing(path: Path) -> None:
    """The file is for its owner only, and what has its name already stays as it is."""
    export(path, records(1))
    before = path.read_bytes()
    with pytest.raises(Unusable, match="exists"):
        export(path, records(2))

    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, before)


def test_an_export_that_fails_leaves_nothing_behind(path: Path) -> None:
    """The file is there whole or not at all."""
    with suppress(KeyError), new_export(path) as file:
        file.write(b"{}")
        raise KeyError

    assert list(path.parent.iterdir()) == []


def test_an_export_into_no_folder(tmp_path: Path) -> None:
    """A file that cannot be made is named."""
    with pytest.raises(Unusable, match="nowhere"):
        export(tmp_path / "nowhere" / "room.jsonl", [])
