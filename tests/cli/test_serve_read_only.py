"""chatr serve --read-only: what it refuses, and that it needs no more than the right to read."""

from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from chatr.cli.read_only import check_read_only
from chatr.settings import DEFAULTS_OF_A_NEW_LOG, BadSetting, Settings, flag
from tests.conftest import OpenRoom, Serve
from tests.postgres import Postgres

STORED_IN_LOG: Final[dict[str, Any]] = {**DEFAULTS_OF_A_NEW_LOG, "registration": "closed", "reading": "agents"}


@pytest.mark.parametrize("name", STORED_IN_LOG)
def test_limits_of_the_log_are_refused(name: str) -> None:
    """A limit that a start would store in the log is refused, also if it has the value that is in the log."""
    settings = Settings(read_only=True, **{name: STORED_IN_LOG[name]})
    with pytest.raises(BadSetting, match=rf"^{flag(name)} is stored in the log, .*\.$"):
        check_read_only(settings, accept_loss=False, demo=False)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"accept_loss": True}, "--accept-loss"),
        ({"demo": True}, "--demo"),
        ({"admin_socket": "/run/chatr.socket"}, "--admin-socket"),
    ],
)
def test_what_changes_a_log_is_refused(given: dict[str, Any], sentence: str) -> None:
    """A read-only room has no operators, accepts no loss, and is no demo."""
    options = {"accept_loss": False, "demo": False} | given
    settings = Settings(read_only=True, admin_socket=options.pop("admin_socket", None))
    with pytest.raises(BadSetting, match=sentence):
        check_read_only(settings, **options)


def test_a_room_that_is_written_to_may_have_all_of_them() -> None:
    """Without --read-only nothing is refused."""
    check_read_only(Settings(**STORED_IN_LOG), accept_loss=True, demo=True)


async def test_a_role_that_may_only_select_is_enough(open_room: OpenRoom, postgres: Postgres) -> None:
    """On PostgreSQL a read-only room is served with a role that may read the two tables and write nothing."""
    url = postgres.log()
    written = await open_room(log=url)
    await written.post_message(await written.register(), "Hello!")
    schema = url.rpartition("%3D")[2]
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"create role {schema}_watcher login".encode())
        db.execute(f"alter role {schema}_watcher set default_transaction_read_only = on".encode())
        db.execute(f"grant usage on schema {schema} to {schema}_watcher".encode())
        db.execute(f"grant select on log, schema_version to {schema}_watcher".encode())
    rooms = [
        await open_room(log=url.replace("//postgres@", f"//{schema}_watcher@"), read_only=True, clock=written.clock)
        for _ in range(2)
    ]
    shown = [(await room.get("/api/messages")).json["messages"] for room in rooms]

    assert [[message["content"] for message in messages] for messages in shown] == [["Hello!"], ["Hello!"]]
    assert (await rooms[0].get("/ready")).json["readOnly"]


@pytest.mark.long
def test_a_read_only_server_says_so(serve: Serve, tmp_path: Path) -> None:
    """The command prints that the room is only read, and several serve the log of a running server."""
    log = f"sqlite:///{tmp_path}/chatr.db"
    serve("--log", log)
    servers = [serve("--log", log, "--read-only") for _ in range(2)]

    assert [server.get("/health").count('"readOnly":true') for server in servers] == [1, 1]
