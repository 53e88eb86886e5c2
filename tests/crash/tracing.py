"""What the system is asked to do, and what it is made to refuse: strace."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen

from tests.able import unable


def able_to_trace() -> None:
    if shutil.which("strace") is None:
        unable("needs strace")
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        unable(f"this machine does not let strace trace: {tried.stderr.strip()}")


def through_strace(*options: str) -> tuple[str, ...]:
    """What to start a program with, so that its process is still the one that is started."""
    able_to_trace()
    return ("strace", "-D", "-f", *options)


@contextmanager
def refusing(process: int, call: str, error: str) -> Iterator[None]:
    """The system answers every such call of a process, and of all its threads, with this error."""
    able_to_trace()
    command = ["strace", "-f", "-o", os.devnull, "-p", str(process), "-e", f"inject={call}:error={error}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        if "attached" not in (told := tracer.stderr.readline()):
            unable(f"this machine does not let strace attach: {told.strip()}")
        try:
            yield
        finally:
            tracer.terminate()


@frozen
class Call:
    """A system call on a descriptor, in the order in which calls began or, `done`, came back."""

    name: str
    descriptor: str
    rest: str
    done: bool


BEGUN = re.compile(r"(\d+) +(\w+)\((\d+<[^>]*>)(.*)")
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")


def calls(trace: Path) -> Iterator[Call]:
    """The calls of every thread, as strace -f -y wrote them down."""
    under_way: dict[tuple[str, str], Call] = {}
    for line in trace.read_text("utf-8").splitlines():
        if begun := BEGUN.match(line):
            thread, name, descriptor, rest = begun.groups()
            yield (call := Call(name, descriptor, rest, done=False))
            if rest.endswith("<unfinished ...>"):
                under_way[thread, name] = call
            else:
                yield evolve(call, done=True)
        elif resumed := RESUMED.match(line):
            thread, name, rest = resumed.groups()
            call = under_way.pop((thread, name))
            yield evolve(call, rest=call.rest + rest, done=True)
