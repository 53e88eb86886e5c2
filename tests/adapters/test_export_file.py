"""An exported file is read as a log, from any position, and a damaged one is rejected."""

import gzip
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatr.adapters.stores.export.file import LONGEST_LINE, export_reader, new_export
from chatr.adapters.stores.export.indexed import indexed_export
from chatr.adapters.stores.export.lines import closing_line, record_line
from chatr.domain.chain import CHAIN_START
from chatr.domain.events import Cursor
from chatr.past.transfer import advance
from chatr.ports import CannotOpenLog, Draft, LogChanged, LogDamaged, LogReader, Stored
from chatr.testing.contract.steps import read_all, read_tail

LENGTH: Final = 2_500
"""Records of a file in which the reader remembers several offsets."""


def records(count: int) -> list[Stored]:
    """Return the first `count` records of a log."""
    return [
        draft.at_position(position, 0, draft.record_hash_after(0))
        for position in range(1, count + 1)
        for draft in [Draft(f"{position:08x}-", f"agent/{position}", "noted.v1", 0, 0, '{"text": "🦀\\u2028\\n"}')]
    ]


MANY: Final = records(LENGTH)


def export(path: Path, log: list[Stored]) -> Path:
    """Write an export of `log` to `path`."""
    with new_export(path) as file:
        file.writelines(map(record_line, log))
        file.write(closing_line(advance(CHAIN_START, log) if log else CHAIN_START))
    return path


OpenExport = Callable[[Path], AbstractAsyncContextManager[LogReader]]


READERS: Final = [pytest.param(export_reader, id="read twice"), pytest.param(indexed_export, id="indexed")]


@pytest.fixture(params=READERS)
def open_export(request: pytest.FixtureRequest) -> OpenExport:
    """Opens an export, by the reader of commands or by that of chatr view."""
    function: OpenExport = request.param
    return function


@pytest.fixture(params=["room.jsonl", "room.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file of an export that does not exist yet, plain or gzipped."""
    name: str = request.param
    return tmp_path / name


async def test_an_export_is_read_as_it_was_written(open_export: OpenExport, path: Path) -> None:
    """Every field is read character by character as it was exported."""
    async with open_export(export(path, MANY)) as log:
        assert await read_all(log) == MANY


async def test_the_name_decides_whether_an_export_is_gzipped(path: Path) -> None:
    """A file whose name ends with .gz can be decompressed with any gunzip."""
    written = export(path, records(3)).read_bytes()
    lines = gzip.decompress(written) if path.suffix == ".gz" else written

    assert lines.count(b"\n") == 4


async def test_a_gzipped_file_is_recognised_by_its_content(open_export: OpenExport, tmp_path: Path) -> None:
    """The reader recognises a gzipped file, whatever its name is."""
    export(tmp_path / "room.jsonl.gz", records(3)).rename(tmp_path / "monday")

    async with open_export(tmp_path / "monday") as log:
        assert await log.head() == 3


async def test_an_empty_log_can_be_exported(open_export: OpenExport, path: Path) -> None:
    """The export of an empty log is read as an empty log."""
    async with open_export(export(path, [])) as log:
        assert (await log.head(), await log.read(0, 10)) == (0, [])


@pytest.mark.parametrize("open_export", READERS)
@given(requests=st.lists(st.tuples(st.integers(0, LENGTH + 10), st.integers(0, 30)), min_size=1, max_size=20))
@settings(max_examples=20)
async def test_pages_in_any_order(
    open_export: OpenExport, tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[int, int]]
) -> None:
    """Wherever a page begins, and whatever was read before, it is that part of the log."""
    path = export(tmp_path_factory.mktemp("pages") / "room.jsonl.gz", MANY)
    async with open_export(path) as log:
        pages = [await log.read(after, limit) for after, limit in requests]

    assert pages == [MANY[after : after + limit] for after, limit in requests]


async def test_pick_returns_records_in_the_requested_order(open_export: OpenExport, path: Path) -> None:
    """Records are in the order of the positions, and repeated where a position is."""
    async with open_export(export(path, MANY)) as log:
        picked = await log.pick([2_400, 1, 2_399, 1, 2_500])

    assert [each.position for each in picked] == [2_400, 1, 2_399, 1, 2_500]


async def test_a_tail_yields_all_records(open_export: OpenExport, path: Path) -> None:
    """A tail yields every record after its cursor, and then waits."""
    async with open_export(export(path, MANY)) as log:
        assert await read_tail(log, LENGTH) == MANY
        assert await read_tail(log, 7, MANY[-8].cursor) == MANY[-7:]


@pytest.mark.parametrize("cursor", [Cursor(2, "ffffffff"), Cursor(9, "00000009"), Cursor(0, "")])
async def test_a_cursor_of_another_log_is_rejected(open_export: OpenExport, path: Path, cursor: Cursor) -> None:
    """A tail with a cursor that is not of this log raises LogChanged."""
    async with open_export(export(path, records(3))) as log:
        with pytest.raises(LogChanged):
            await anext(log.tail(cursor))


async def rejection(open_export: OpenExport, path: Path) -> str:
    """Return the error's sentence for a file that is rejected when it is opened or when it is read."""
    with pytest.raises((CannotOpenLog, LogDamaged)) as raised:
        async with open_export(path) as log:
            await read_all(log)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("open_export", READERS)
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=20)
@pytest.mark.parametrize("name", ["room.jsonl", "room.jsonl.gz"])
async def test_a_file_that_is_cut_off_is_rejected(
    open_export: OpenExport, tmp_path_factory: pytest.TempPathFactory, name: str, share: float
) -> None:
    """Wherever a file is cut, the error is one sentence that names the file."""
    path = export(tmp_path_factory.mktemp("cut") / name, records(5))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * (len(whole) - 1))])

    assert str(path) in await rejection(open_export, path)


async def test_the_error_of_a_cut_file_has_its_last_complete_record(open_export: OpenExport, tmp_path: Path) -> None:
    """The error of a file that was cut off says how many records are left."""
    path = export(tmp_path / "room.jsonl", records(5))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])

    assert await rejection(open_export, path) == f"{path} is cut off after record 3: its closing line is missing."


def without(lines: list[bytes], index: int) -> list[bytes]:
    """Return the lines without one of them."""
    return lines[:index] + lines[index + 1 :]


@pytest.mark.parametrize(
    ("change", "expected"),
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
    ids=["line lost", "line doubled", "two exports", "lines swapped", "no JSON", "no number", "no hash", "no object"],
)
async def test_a_file_that_was_changed_is_rejected(
    open_export: OpenExport, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], expected: str
) -> None:
    """The error of a file with lines lost, doubled, moved or changed has the number of records or of the line."""
    path = export(tmp_path / "room.jsonl", records(5))
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    assert expected in await rejection(open_export, path)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"Dear diary\n", b"SQLite format 3\0", b"\x1f\x8b"])
async def test_a_file_that_is_no_export_is_rejected(open_export: OpenExport, tmp_path: Path, content: bytes) -> None:
    """The error of a file that is no export names the file."""
    path = tmp_path / "room.jsonl"
    path.write_bytes(content)

    assert str(path) in await rejection(open_export, path)


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
async def test_a_file_that_cannot_be_opened_is_rejected(open_export: OpenExport, tmp_path: Path, name: str) -> None:
    """The error of a missing file, and of a folder, names it."""
    assert str(tmp_path / name) in await rejection(open_export, tmp_path / name)


async def test_unknown_fields_of_a_record_are_ignored(open_export: OpenExport, tmp_path: Path) -> None:
    """A field that a newer chatr may write does no harm."""
    path = export(tmp_path / "room.jsonl", records(1))
    path.write_bytes(path.read_bytes().replace(b'{"position"', b'{"colour":"red","position"'))

    async with open_export(path) as log:
        assert await read_all(log) == records(1)


async def test_a_file_without_line_feeds_is_not_read_into_memory(open_export: OpenExport, tmp_path: Path) -> None:
    """A file that is one very long line is rejected without being read into memory as a whole."""
    path = tmp_path / "room.jsonl"
    with path.open("wb") as file:
        file.truncate(64 * LONGEST_LINE)
    tracemalloc.start()
    try:
        await rejection(open_export, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 32 * LONGEST_LINE


def test_an_export_is_private_and_overwrites_no_file(path: Path) -> None:
    """Only the owner may read the file; an existing file is not overwritten."""
    export(path, records(1))
    before = path.read_bytes()
    with pytest.raises(CannotOpenLog, match="exists"):
        export(path, records(2))

    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, before)


def test_a_failed_export_leaves_no_file(path: Path) -> None:
    """If the export fails, neither the file nor a part of it exists."""
    with suppress(KeyError), new_export(path) as file:
        file.write(b"{}")
        raise KeyError

    assert list(path.parent.iterdir()) == []


def test_an_export_into_a_missing_folder_is_rejected(tmp_path: Path) -> None:
    """The error of a file that cannot be created names it."""
    with pytest.raises(CannotOpenLog, match="nowhere"):
        export(tmp_path / "nowhere" / "room.jsonl", [])
