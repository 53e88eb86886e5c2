"""Traces the system calls of a process with strace, and makes some of them fail."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen

from tests.requirements import skip_or_fail


def require_strace() -> None:
    """Skip the test if strace is missing or may not trace."""
    if shutil.which("strace") is None:
        skip_or_fail("needs strace")
    trial = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if trial.returncode:
        skip_or_fail(f"this machine does not let strace trace: {trial.stderr.strip()}")


def strace_command(*options: str) -> tuple[str, ...]:
    """Return a command that runs a program under strace, as the process that is started (-D)."""
    require_strace()
    return ("strace", "-D", "-f", *options)


@contextmanager
def failing_calls(process: int, call: str, error: str) -> Iterator[None]:
    """Let every system call of this name fail with `error`, in all threads of a process, while the block runs."""
    with injected(process, f"{call}:error={error}"):
        yield


@contextmanager
def injected(process: int, injection: str) -> Iterator[None]:
    """Tamper with system calls in all threads of a process, as strace's -e inject= says, while the block runs."""
    require_strace()
    command = ["strace", "-f", "-o", os.devnull, "-p", str(process), "-e", f"inject={injection}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        if "attached" not in (line := tracer.stderr.readline()):
            skip_or_fail(f"this machine does not let strace attach: {line.strip()}")
        try:
            yield
        finally:
            tracer.terminate()


@frozen
class Call:
    """The beginning of a system call on a file descriptor or, if `done`, its end. `rest`: text after the descriptor."""

    name: str
    descriptor: str
    rest: str
    done: bool


BEGUN = re.compile(r"(\d+) +(\w+)\((\d+<[^>]*>)(.*)")
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")


def calls(trace: Path) -> Iterator[Call]:
    """Yield the calls of all threads in the order in which `strace -f -y` recorded their beginnings and ends."""
    unfinished: dict[tuple[str, str], Call] = {}
    for line in trace.read_text("utf-8").splitlines():
        if begun := BEGUN.match(line):
            thread, name, descriptor, rest = begun.groups()
            yield (call := Call(name, descriptor, rest, done=False))
            if rest.endswith("<unfinished ...>"):
                unfinished[thread, name] = call
            else:
                yield evolve(call, done=True)
        elif resumed := RESUMED.match(line):
            thread, name, rest = resumed.groups()
            call = unfinished.pop((thread, name))
            yield evolve(call, rest=call.rest + rest, done=True)
