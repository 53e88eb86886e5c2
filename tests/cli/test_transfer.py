"""chatr export, import and copy move a log to another store or file, byte for byte."""

import asyncio
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.testing.contract.steps import append_many
from chatr.testing.records import records_after
from tests.cli.conftest import COMMANDS, Chatr, LogFile, StartChatr
from tests.cli.steps import DIGEST, NEXT_POST, exported, output_of, stored_records
from tests.postgres import Postgres

MANY = 10_000
"""Records that take a while to copy."""
MOST = 4
"""How many times the CPU time of an export an import may take."""
ATTEMPTS = 10
"""How often a copy is started that may end before it can be stopped."""


@pytest.fixture
def export(chatr: Chatr, log_file: LogFile) -> Path:
    """The log of COMMANDS as an exported file."""
    return exported(chatr, log_file)


def test_an_export_has_a_line_for_each_record(log_file: LogFile, export: Path) -> None:
    """A line holds every stored field of a record, its data as the stored text; the last line closes the file."""
    *lines, closing_line = [msgspec.json.decode(line) for line in export.read_bytes().splitlines()]
    with closing(sqlite3.connect(log_file.path)) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("select * from log order by position")]

    assert lines == [{**row, "check": row["check"].hex()} for row in rows]
    assert closing_line == {"count": len(COMMANDS), "head": DIGEST}


@pytest.mark.parametrize("name", ["again.jsonl", "again.jsonl.gz"])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_log_is_the_same_after_every_transfer(
    chatr: Chatr, request: pytest.FixtureRequest, export: Path, tmp_path: Path, store: str, name: str
) -> None:
    """A log that was exported, imported, copied and exported again is the same byte for byte."""
    between, last = f"sqlite:///{tmp_path}/1.db", f"sqlite:///{tmp_path}/2.db"
    if store == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        between = server.log()
    outputs = [
        chatr("export", tmp_path / name, "--log", export).out,
        chatr("import", tmp_path / name, "--log", between).out,
        chatr("copy", between, last).out,
        chatr("export", tmp_path / "last.jsonl", "--log", last).out,
    ]

    assert (tmp_path / "last.jsonl").read_bytes() == export.read_bytes()
    assert {line.rpartition("Head: ")[2] for line in outputs} == {f"{len(COMMANDS)}:{DIGEST}\n"}


def test_log_lines_do_not_mix_with_the_result(chatr: Chatr, export: Path, postgres: Postgres) -> None:
    """Standard output has the result alone; a warning about the database goes to standard error."""
    result = chatr("copy", export, postgres.log())

    assert result.lines == [f"{len(COMMANDS)} records copied, 0 were there. Head: {len(COMMANDS)}:{DIGEST}"]
    assert "postgres_may_lose_records" in result.err


def test_an_empty_log_is_exported_and_imported(chatr: Chatr, new_log: LogFile, tmp_path: Path) -> None:
    """A log without records can be exported and imported."""
    new_log.append([])
    output_of(chatr, "export", tmp_path / "room.jsonl", "--log", new_log.url)

    assert output_of(chatr, "import", tmp_path / "room.jsonl", "--log", f"sqlite:///{tmp_path}/1.db").startswith(
        "0 records"
    )


def test_a_second_copy_appends_what_is_new(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Copying again appends the records that the source has gained, and leaves the others as they are."""
    copy = LogFile(tmp_path / "copy.db")
    first = output_of(chatr, "copy", log_file.url, copy.url)
    log_file.append(records_after([*COMMANDS, NEXT_POST]))
    later = [output_of(chatr, "copy", log_file.url, copy.url) for _ in range(2)]

    assert [line.partition(". ")[0] for line in (first, *later)] == [
        "10 records copied, 0 were there",
        "1 record copied, 10 were there",
        "0 records copied, 11 were there",
    ]
    assert stored_records(log_file.path) == stored_records(copy.path)


@pytest.fixture
def long_log(tmp_path: Path) -> LogFile:
    """A log that takes a while to copy."""

    async def write(path: Path) -> None:
        async with sqlite_log(path) as log:
            for _ in range(MANY // 1_000):
                await append_many(log, 1_000)

    log_file = LogFile(tmp_path / "long.db")
    asyncio.run(write(log_file.path))
    return log_file


def record_count(path: Path) -> int:
    """Return how many records a log holds; 0 until its file is there."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        ((position,),) = db.execute("select coalesce(max(position), 0) from log")
        return int(position)
    return 0


def stop_in_the_middle(
    start_chatr: StartChatr, source: LogFile, folder: Path, with_signal: signal.Signals
) -> tuple[LogFile, subprocess.Popen[str]]:
    """Start to copy a log, and stop the copy by a signal once some records are there.

    A copy that ends before the signal reaches it does not count, and another one is started.
    """
    for attempt in range(ATTEMPTS):
        copy = LogFile(folder / f"copy{attempt}.db")
        copying = start_chatr("copy", source.url, copy.url)
        while record_count(copy.path.with_name(f"{copy.path.name}.incomplete")) < 1_000 and copying.poll() is None:
            pass
        copying.send_signal(with_signal)
        copying.wait()
        if copying.returncode:
            return copy, copying
    pytest.fail("Every copy ended before it could be stopped.")


@pytest.mark.long
@pytest.mark.parametrize(
    ("with_signal", "code"),
    [pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.long), (signal.SIGINT, 130)],
)
def test_a_copy_that_was_stopped_is_continued(
    chatr: Chatr, start_chatr: StartChatr, long_log: LogFile, tmp_path: Path, with_signal: signal.Signals, code: int
) -> None:
    """An interrupted copy does not have the name of a complete log, and copying again appends the rest."""
    copy, stopped = stop_in_the_middle(start_chatr, long_log, tmp_path, with_signal)
    assert not copy.path.exists()
    rest = output_of(chatr, "copy", long_log.url, copy.url)

    assert stopped.stderr is not None
    assert (stopped.returncode, stopped.stderr.read()) == (code, "")
    assert int(rest.split()[0].replace(",", "")) < MANY
    assert [each.name for each in tmp_path.glob(f"{copy.path.name}*")] == [copy.path.name]
    assert stored_records(copy.path) == stored_records(long_log.path)


@pytest.mark.long
def test_an_import_takes_a_few_times_the_cpu_of_an_export(chatr: Chatr, long_log: LogFile, tmp_path: Path) -> None:
    """An import reads the file, writes a log and reads that again. Of three tries the cheapest counts."""
    ratios = []
    for number in range(3):
        file, copy = tmp_path / f"{number}.jsonl", f"sqlite:///{tmp_path}/{number}.db"
        export = cpu_seconds(chatr, "export", file, "--log", long_log.url)
        ratios.append(cpu_seconds(chatr, "import", file, "--log", copy) / export)

    assert min(ratios) <= MOST


def cpu_seconds(chatr: Chatr, *arguments: object) -> float:
    """Return the CPU time that a command takes in all threads of this process."""
    begin = time.process_time()
    output_of(chatr, *arguments)
    return time.process_time() - begin
