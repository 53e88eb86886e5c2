"""The files of an earlier version: the commands that read the recorded log, and what a server shows of it."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.compatibility.commands import chatr, served
from tests.compatibility.http_client import ask, body_of, connected, get

BEFORE: Final = Path(__file__).parent / "before"
LOG: Final = ("--log", "sqlite:///room.db")
READERS: Final = 1
"""Frames at the start of a stream: `history`; `stats` depends on the time."""


def records() -> list[dict[str, Any]]:
    """The records of the recorded export, without its closing line."""
    lines = (BEFORE / "room.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines[:-1]]


def first_positions() -> dict[str, int]:
    """The position of the first record of each type."""
    return {each["type"]: each["position"] for each in reversed(records())}


def time_after(position: int) -> str:
    """One millisecond after the record at `position`."""
    at = datetime.fromtimestamp(records()[position - 1]["at"] / 1000, UTC) + timedelta(milliseconds=1)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commands() -> dict[str, list[str]]:
    """The file in which each output is recorded, and the command that prints it."""
    explained = {
        f"explain-{type_.partition('.')[0]}.json": ["explain", str(position), "--json", *LOG]
        for type_, position in first_positions().items()
    }
    post = ["explain", *LOG, "--json", "--agent", "Ada", "--at", "50", "--post"]
    return {
        "audit.txt": ["audit", *LOG],
        "audit.json": ["audit", "--json", *LOG],
        "log.txt": ["log", *LOG],
        "log.json": ["log", "--json", "--keys", *LOG],
        "log-of-ada.json": ["log", "--json", *LOG, "--agent", "Ada", "--type", "message-posted", "--after", "20"],
        "replay-at-0.json": ["replay", "--json", *LOG, "--at", "0"],
        "replay-at-30.json": ["replay", "--json", *LOG, "--at", "30", "--agent", "Ada"],
        "replay-at-56.json": ["replay", "--json", *LOG, "--at", "56", "--messages", "100"],
        "replay-at-time.json": ["replay", "--json", *LOG, "--at", time_after(36), "--agent", "Gil"],
        "replay-diff.json": ["replay", "--json", *LOG, "--diff", "10", "56"],
        **explained,
        "explain-post.json": [*post, "A new one"],
        "explain-repeated-post.json": [*post, "Hello, room!", "--idempotency-key", "first-0"],
        "explain-refused-post.json": [*post, "x" * 251],
        "transcript.md": ["export", "transcript.md", "--transcript", "md", *LOG],
        "transcript.csv": ["export", "transcript.csv", "--transcript", "csv", *LOG],
        "room.jsonl": ["export", "room.jsonl", *LOG],
        "room.jsonl.gz": ["export", "room.jsonl.gz", *LOG],
    }


def requests() -> dict[str, str]:
    """The file in which each response body is recorded, and the path that is asked for."""
    return {
        "get-log-head.json": "/api/log/head",
        "get-messages.json": "/api/messages?limit=100",
        "get-messages-before.json": "/api/messages?limit=3&before=38",
        "get-messages-after.json": "/api/messages?limit=3&after=20",
        "get-at-position.json": "/api/at?position=30",
        "get-at-time.json": f"/api/at?limit=2&time={time_after(36)}",
        "get-activity.json": "/api/activity",
    }


YOUNGER_RULES: Final = ("invalid_operator", "registration_closed", "registration_waits", "room_closed", "suspended")
"""Codes of rules that the version which recorded the files did not have."""


def without_sentences(explained: str) -> str:
    """What `chatr explain --json` prints, without the sentences of rules and without younger rules."""
    found = json.loads(explained)
    found["rules"] = [rule for rule in found["rules"] if rule["code"] not in YOUNGER_RULES]
    for rule in found["rules"]:
        del rule["rule"]
    found["outcome"].pop("error", None)
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def audit_figures(printed: str) -> str:
    """The count of records, findings and notes, and the line of the head."""
    *_, counts, head = printed.splitlines()
    return " ".join(re.findall(r"\b[0-9]+ (?:record|finding|note)", counts)) + f"\n{head}\n"


def first_columns(printed: str) -> str:
    """Position, time, agent and type of each record; details are left out."""
    return "".join(" ".join(line.split()[:4]) + "\n" for line in printed.splitlines())


SHAPES: Final[Mapping[str, Callable[[str], str]]] = {"audit.txt": audit_figures, "log.txt": first_columns}


def copy_log(directory: Path) -> None:
    for name in ("room.db", "room.db.checkpoint"):
        shutil.copy(BEFORE / name, directory)


def outputs(directory: Path) -> dict[str, bytes]:
    """What each command prints or writes about a copy of the recorded log in `directory`."""
    printed: dict[str, bytes] = {}
    for (name, arguments), result in zip(commands().items(), chatr(list(commands().values()), directory), strict=True):
        assert result.code == 0, (name, result.output)
        shape = without_sentences if name.startswith("explain-") else SHAPES.get(name, str)
        exported = arguments[0] == "export"
        printed[name] = (directory / name).read_bytes() if exported else shape(result.output).encode()
    return printed


async def bodies(directory: Path) -> dict[str, bytes]:
    """What a server shows of the log in `directory`, and the frames that a stream of it begins with."""
    async with served("--log", f"sqlite:///{directory / 'room.db'}") as port:
        found = {name: body_of(await ask(port, get(path))) for name, path in requests().items()}
        found["stream-history.txt"] = await first_frames(port, "/api/stream", READERS)
        cursor = f"30-{records()[29]['id'][:8]}"
        found["stream-resumed.txt"] = await first_frames(port, f"/api/stream?lastEventId={cursor}", 6)
        return found


async def first_frames(port: int, path: str, count: int) -> bytes:
    async with connected(port) as connection:
        connection.send(get(path))
        await connection.until(b"\r\n\r\n")
        frames = connection.frames()
        return b"".join([await anext(frames) for _ in range(count)])
