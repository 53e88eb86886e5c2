"""Run the command line of chatr: servers as processes of their own, and many short commands with one import."""

import asyncio
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import frozen

ROOT: Final = Path(__file__).parents[2]
ENVIRON: Final = {
    **{name: value for name, value in os.environ.items() if not name.startswith("CHATR_")},
    "PYTHONPATH": str(ROOT),
}
PUBLIC: Final = ("--public-url", "http://room.example")
"""The host that the recorded requests have."""
ADDRESS: Final = re.compile(r"http://[^/\s]+:([0-9]+)")


@frozen
class Result:
    """Exit code and output of one command."""

    code: int
    output: str


@asynccontextmanager
async def served(*flags: str) -> AsyncIterator[int]:
    """Run `chatr serve` on a free port, which is yielded; stop it with SIGTERM at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatr", "serve", "--port", "0", *PUBLIC, *flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRON,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        found = ADDRESS.search((await process.stdout.readline()).decode())
        assert found is not None, flags
        yield int(found[1])
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def chatr(commands: Sequence[Sequence[str]], cwd: Path) -> list[Result]:
    """Run these commands one after the other in the directory `cwd`; their result is in the same order."""
    run = [sys.executable, "-m", "tests.compatibility.commands", str(cwd)]
    done = subprocess.run(
        run, check=False, input=json.dumps(commands), capture_output=True, text=True, env=ENVIRON, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return [
        Result(code, (cwd / f"output-{number}").read_text("utf-8")) for number, code in enumerate_codes(done.stdout)
    ]


def enumerate_codes(lines: str) -> list[tuple[int, int]]:
    return list(enumerate(map(int, lines.split())))


def run_module(arguments: Sequence[str]) -> int:
    """`python -m chatr` in this process."""
    sys.argv = ["chatr", *arguments]
    try:
        runpy.run_module("chatr", run_name="__main__")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def run_forked(arguments: Sequence[str], output: Path) -> int:
    """The exit code of `python -m chatr` in a child of this process, whose modules are imported already."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
        code = run_module(arguments)
    finally:
        os._exit(code)


def main() -> None:
    """Read a JSON list of commands, write the output of each to a file and print the exit codes."""
    commands = json.load(sys.stdin)
    directory = Path(sys.argv[1])
    os.chdir(directory)
    standard_output = sys.stdout
    with (directory / "help").open("w", encoding="utf-8") as sys.stdout:
        run_module(["--help"])
    sys.stdout = standard_output
    for number, arguments in enumerate(commands):
        sys.stdout.write(f"{run_forked(arguments, directory / f'output-{number}')}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
