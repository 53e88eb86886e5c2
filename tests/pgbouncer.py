"""PgBouncer, a pooler of connections to PostgreSQL, in a temporary folder."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres import Postgres, new_folder, unprivileged_user
from tests.requirements import skip_or_fail

READY_TIMEOUT = 10.0
"""Seconds that PgBouncer may take to start."""


@contextmanager
def pgbouncer(server: Postgres, **settings: object) -> Iterator[str]:
    """Run PgBouncer before `server` with these settings, and yield its host for `url_through`."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") or skip_or_fail("There is no PgBouncer: install it.")
    folder = new_folder()
    lines = {
        "unix_socket_dir": folder,
        "listen_port": 5432,
        "auth_type": "any",
        **settings,
    }
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={server.folder} user=postgres\n[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in lines.items())
    )
    configuration.chmod(0o644)
    process = subprocess.Popen([program, "-q", configuration], stderr=subprocess.DEVNULL, **unprivileged_user())
    try:
        wait_for(str(folder / ".s.PGSQL.5432"))
        yield str(folder)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def wait_for(path: str) -> None:
    """Return when the Unix socket accepts connections."""
    deadline = time.monotonic() + READY_TIMEOUT
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def url_through(host: str, url: str) -> str:
    """Return `url` with this host instead of its own, and without the options that PgBouncer does not accept."""
    return re.sub("host=[^&]*", f"host={host}", url).partition("&options=")[0]
