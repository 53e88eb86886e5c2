"""`chatr admin` beside `chatr serve` in a process of its own."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Chatr, LogFile
from tests.conftest import Serve, Server

pytestmark = pytest.mark.long


def post(server: Server, key: str, content: str) -> tuple[int, dict[str, str]]:
    """Post a message, and return status and JSON of the response."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    try:
        with urlopen(
            Request(f"{server.url}/api/messages", json.dumps({"content": content}).encode(), headers)
        ) as reply:
            return reply.status, json.loads(reply.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_spammer_is_stopped(chatr: Chatr, serve: Serve, new_log: LogFile) -> None:
    """A running server lets an agent post until an operator suspends it, and the text is gone when it is removed."""
    server, log = serve("--log", new_log.url), ("--log", new_log.url)
    key = chatr("admin", "register", "Spammer", *log).lines[-1]
    first = post(server, key, "Buy!")
    suspended = chatr("admin", "suspend", "Spammer", "--reason", "spam", *log)
    second = post(server, key, "Buy more!")
    removed = chatr("admin", "remove", "--agent", "Spammer", "--since", "1h", "--reason", "spam", *log)

    assert (first[0], suspended.code, second[0], second[1]["error"]) == (200, 0, 403, "This agent is banned: spam")
    assert removed.out == "1 message of Spammer: 1 removed, 0 removed before.\n"


def test_a_killed_server_delays_no_command(chatr: Chatr, serve: Serve, new_log: LogFile) -> None:
    """After a kill a command opens the log itself, and the next server takes commands through its socket again."""
    log = ("--log", new_log.url)
    serve(*log).kill()
    without = chatr("admin", "close", "--reason", "killed", *log)
    serve(*log)
    beside = chatr("admin", "open", *log)

    assert (without.out, beside.out) == ("The room is closed (record 2).\n", "The room is open (record 3).\n")


def test_no_key_is_in_the_output_of_the_server(chatr: Chatr, serve: Serve, new_log: LogFile) -> None:
    """What a server prints while it issues keys contains none of them."""
    server, log = serve("--log", new_log.url), ("--log", new_log.url)
    keys = [chatr("admin", command, "Ada", *log).lines[-1] for command in ("register", "key")]
    server.process.terminate()
    output = "".join(server.process.communicate())

    assert [key for key in keys if key in output] == []
