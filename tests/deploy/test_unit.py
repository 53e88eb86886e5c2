"""deploy/chatr.service: systemd accepts it, it is hardened, and it allows what the server does."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import Serve
from tests.crash.test_flush import register_and_post, trace_complete
from tests.crash.tracing import strace_command
from tests.requirements import skip_or_fail

UNIT: Final = Path("deploy/chatr.service")
LARGEST_EXPOSURE: Final = 15
"""Tenths: systemd-analyze rates services from 0.0, without any rights, to 10.0."""
WRITE_AND_EXECUTE: Final = re.compile(
    r"mmap\([^)]*PROT_WRITE\|PROT_EXEC|mprotect\([^)]*PROT_EXEC|pkey_mprotect|shmat\("
)
"""What MemoryDenyWriteExecute forbids."""


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze; the test is skipped where it is not installed."""
    program = shutil.which("systemd-analyze") or skip_or_fail("there is no systemd-analyze here: install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def lines_of(setting: str) -> list[str]:
    """Return the values that the unit gives to a setting."""
    return re.findall(rf"^{setting}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)


def system_calls_of(name: str) -> set[str]:
    """Return the system calls that a word of SystemCallFilter stands for."""
    if not name.startswith("@"):
        return {name}
    listed = analyze("syscall-filter", name).stdout.splitlines()[1:]
    names = [line.strip() for line in listed if not line.strip().startswith("#")]
    return {call for each in names for call in system_calls_of(each)}


def allowed_system_calls() -> set[str]:
    """Return the system calls that the unit allows."""
    allowed: set[str] = set()
    for line in lines_of("SystemCallFilter"):
        calls = {call for name in line.removeprefix("~").split() for call in system_calls_of(name)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def test_the_unit_is_hardened() -> None:
    """Systemd rates the exposure of the service at 1.5 or less."""
    rated = analyze("security", "--offline=yes", f"--threshold={LARGEST_EXPOSURE}", str(UNIT))

    assert rated.returncode == 0, rated.stdout


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """Every section, setting and value of the unit exists."""
    (tmp_path / "chatr.service").write_text(UNIT.read_text("utf-8").replace("/opt/chatr/bin/chatr", sys.executable))
    verified = analyze("verify", "--man=no", str(tmp_path / "chatr.service"))

    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.long
def test_the_unit_allows_what_the_server_does(serve: Serve, tmp_path: Path) -> None:
    """From its start to its stop, the server makes no system call and maps no memory that the unit forbids."""
    trace = tmp_path / "trace"
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", through=strace_command("-o", str(trace)))
    asyncio.run(register_and_post(server.url))
    server.process.terminate()
    asyncio.run(trace_complete(trace))
    text = trace.read_text("utf-8", "backslashreplace")
    # SQLite gives files that it makes to the owner of the log, but only if it runs as root, like this test perhaps.
    calls = set(re.findall(r"^\d+ +(\w+)\(", text, re.MULTILINE)) - {"fchown"}

    assert {"fdatasync", "accept4", "execve"} <= calls
    assert calls - allowed_system_calls() == set()
    assert WRITE_AND_EXECUTE.findall(text) == []
