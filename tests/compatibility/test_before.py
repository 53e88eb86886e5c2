"""A log that an earlier version wrote is read by this one, and everything that it printed and served is the same."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from tests.compatibility import recorded_files
from tests.compatibility.commands import Result, chatr

OUTPUTS = sorted({path.name for path in recorded_files.BEFORE.iterdir()} - {"room.db", "room.db.checkpoint"})
LOG_HEAD = "get-log-head.json"
PRINTED = [name for name in OUTPUTS if not name.startswith(("get-", "stream-"))]
# The first start on the log adopts limits that are younger than it: one record more, at the time of that start.
SERVED = [name for name in OUTPUTS if name not in (*PRINTED, LOG_HEAD)]
HEAD = json.loads((recorded_files.BEFORE / LOG_HEAD).read_bytes())


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("printed")
    recorded_files.copy_log(directory)
    return recorded_files.outputs(directory)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What two servers show: one that starts from the checkpoint, and one that has none."""
    with_checkpoint, without = tmp_path_factory.mktemp("checkpoint"), tmp_path_factory.mktemp("none")
    for directory in (with_checkpoint, without):
        recorded_files.copy_log(directory)
    (without / "room.db.checkpoint").unlink()

    async def both() -> tuple[dict[str, bytes], dict[str, bytes]]:
        return await asyncio.gather(recorded_files.bodies(with_checkpoint), recorded_files.bodies(without))

    return asyncio.run(both())


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Result]]:
    """Results of commands that read the recorded exports, and the directory that they ran in."""
    directory = tmp_path_factory.mktemp("exported")
    log = ("--log", "sqlite:///new.db")
    replay = ("replay", "--json", "--at", "56", "--messages", "100", "--log")
    commands = [
        [*replay, str(recorded_files.BEFORE / "room.jsonl")],
        [*replay, str(recorded_files.BEFORE / "room.jsonl.gz")],
        ["import", str(recorded_files.BEFORE / "room.jsonl.gz"), *log],
        ["audit", *log, "--expect", f"{HEAD['position']}:{HEAD['digest']}"],
        ["export", "new.jsonl", *log],
    ]
    return directory, chatr(commands, directory)


@pytest.mark.long
def test_every_recorded_file_is_compared() -> None:
    """Each recorded file belongs to a command or a request, and each of these has its file."""
    streams = {"stream-history.txt", "stream-resumed.txt"}

    assert set(OUTPUTS) == {*recorded_files.commands(), *recorded_files.requests(), *streams}


@pytest.mark.long
def test_the_log_holds_every_type_of_event() -> None:
    """The recorded log has records of all seven types, and three of adopted limits."""
    types = [each["type"] for each in recorded_files.records()]

    assert (len(set(types)), len(types), types.count("limits-adopted.v1")) == (7, 56, 3)


@pytest.mark.long
def test_an_earlier_log_audits_without_findings(printed: dict[str, bytes]) -> None:
    """`chatr audit` finds nothing wrong in the recorded log and computes the same digest.

    It notes the one avatar that rules about texts would reject today.
    """
    audited = json.loads(printed["audit.json"].splitlines()[-1])

    assert (audited["findings"], audited["notes"]) == (0, 1)
    assert (audited["position"], audited["digest"]) == (HEAD["position"], HEAD["digest"])


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in PRINTED if name != "room.jsonl.gz"])
def test_commands_print_the_same(name: str, printed: dict[str, bytes]) -> None:
    """What a command prints or exports about the recorded log is byte for byte what it was."""
    assert printed[name] == (recorded_files.BEFORE / name).read_bytes()


@pytest.mark.long
def test_a_compressed_export_holds_the_same(printed: dict[str, bytes]) -> None:
    """A compressed export of the recorded log holds the same lines; how zlib packs them may differ."""
    assert gzip.decompress(printed["room.jsonl.gz"]) == (recorded_files.BEFORE / "room.jsonl").read_bytes()


@pytest.mark.long
def test_an_earlier_export_is_read_as_a_log(exported: tuple[Path, list[Result]]) -> None:
    """`chatr replay --log` of a recorded export prints what it prints of the log itself."""
    plain, compressed, *_ = exported[1]
    replayed = (recorded_files.BEFORE / "replay-at-56.json").read_text("utf-8")

    assert (plain.output, compressed.output) == (replayed, replayed)


@pytest.mark.long
def test_an_earlier_export_is_imported(exported: tuple[Path, list[Result]]) -> None:
    """A log that is imported from the recorded export has its digest, and its export has the same bytes."""
    directory, results = exported

    assert [result.code for result in results] == [0] * 5
    assert (directory / "new.jsonl").read_bytes() == (recorded_files.BEFORE / "room.jsonl").read_bytes()


@pytest.mark.long
def test_a_server_adopts_the_younger_limits_once(shown: tuple[dict[str, bytes], dict[str, bytes]]) -> None:
    """The first start on the recorded log adds one record, with or without a checkpoint."""
    assert [json.loads(each[LOG_HEAD])["position"] for each in shown] == [HEAD["position"] + 1] * 2


@pytest.mark.long
@pytest.mark.parametrize("name", SERVED)
def test_a_server_shows_the_same(name: str, shown: tuple[dict[str, bytes], dict[str, bytes]]) -> None:
    """A server that starts on the recorded log and its checkpoint sends the same bodies and frames."""
    assert shown[0][name] == (recorded_files.BEFORE / name).read_bytes()


@pytest.mark.long
@pytest.mark.parametrize("name", SERVED)
def test_a_server_without_a_checkpoint_shows_the_same(
    name: str, shown: tuple[dict[str, bytes], dict[str, bytes]]
) -> None:
    """A server that reads the whole recorded log sends the same bodies and frames."""
    assert shown[1][name] == (recorded_files.BEFORE / name).read_bytes()
