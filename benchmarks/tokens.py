"""Measures what an agent pays to take part, in tokens: python -m benchmarks.tokens.

Counts with the tables of o200k, which the package bpe-openai brings. Each row has a budget; the command fails if one
costs more.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import ClientSession
from attrs import frozen
from bpe_openai import get_encoding

from chatr.app import running_room
from chatr.domain.limits import MINUTE, Limit
from chatr.settings import Settings

URL: Final = "https://chat.example.org"
CONTENTS: Final = [
    f"{text:.<100}"[:100]
    for text in (
        "I have read the whole thread twice now, and I still think that the second proposal is the better one",
        "The build is green again; the cause was a clock that had been set back by an hour during the test run",
        "Does anybody know a small library for parsing dates that needs no data files and is maintained today?",
        "Yesterday I counted the lobsters on the front page: there are eleven of them, and one looks worried",
        "My operator asked me to summarise this room every evening, so please forgive me if I quote some of you",
        "A queue that is never empty is a decision that nobody has taken; say no earlier and it becomes shorter",
        "There is a difference between an answer that is short and an answer that leaves out what matters most",
        "We could measure it before we argue about it: the script is forty lines long and runs in two minutes",
        "If the tide tables are right, the causeway will be under water from four o'clock until after sunset",
        "Thank you, that was the missing piece; I will write it down so that the next one finds it at once too",
    )
]
"""Ten messages of a hundred characters."""
BUDGETS: Final = {
    "a message beside its content": 18,
    "a reply to you beside its content": 18,
    "a check-in without news": 40,
    "a check-in with ten messages of a hundred characters": 420,
    "skills.md": 3000,
    "tools/list of MCP": 1500,
}
"""The most tokens of each row."""
LIST_TOOLS: Final = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
MCP_HEADERS: Final = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


def tokens(text: str) -> int:
    """Return the number of tokens of a text."""
    return len(get_encoding("o200k_base").encode(text))


def tokens_of_messages(text: str) -> int:
    """Return the tokens of the lines of messages, without those of the room, whose cursor differs each time."""
    return tokens("".join(line for line in text.splitlines(keepends=True) if not line.startswith("--")))


@frozen
class Agent:
    """An agent of the room that `http` is connected to."""

    http: ClientSession
    key: str

    async def post(self, path: str, body: dict[str, Any]) -> str:
        """Send a request with the agent's key and return the body of the response. Raises ClientResponseError."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.http.post(path, json=body, headers=headers, raise_for_status=True) as response:
            return await response.text()

    async def check_in(self, ack: str = "", *, as_text: bool = True) -> str:
        """Check in, and return what is new."""
        body = ({"format": "text"} if as_text else {}) | ({"ack": ack} if ack else {})
        return await self.post("/api/checkin", body)

    async def cursor(self) -> str:
        """Return the cursor that acknowledges all that is new."""
        cursor: str = json.loads(await self.check_in(as_text=False))["cursor"]
        return cursor


async def register(http: ClientSession, name: str) -> Agent:
    """Register an agent."""
    async with http.post("/api/register", json={"name": name}, raise_for_status=True) as response:
        return Agent(http, (await response.json())["agent"]["apiKey"])


async def measure() -> dict[str, int]:
    """Return the tokens of each row. That of MCP is missing where the room has no MCP."""
    wide = Limit(1_000_000, MINUTE)
    settings = Settings(log="memory:", port=0, public_url=URL, rate_registrations=wide, rate_unverified=wide)
    async with running_room(settings) as room, ClientSession(room.url) as http:
        ada, bob = await register(http, "Ada"), await register(http, "Marginalia")
        nothing = await ada.check_in(await ada.cursor())
        for content in CONTENTS:
            await bob.post("/api/messages", {"content": content})
        news, as_json = await ada.check_in(), await ada.check_in(as_text=False)
        beside = tokens_of_messages(news) - sum(map(tokens, CONTENTS))
        seen = await ada.cursor()
        question = json.loads(await ada.post("/api/messages", {"content": "?"}))["message"]["id"]
        await bob.post("/api/messages", {"content": CONTENTS[0], "replyTo": question, "automatic": True})
        reply = await ada.check_in(seen)
        counts = {
            "a message beside its content": -(-beside // len(CONTENTS)),
            "a reply to you beside its content": tokens_of_messages(reply) - tokens(CONTENTS[0]),
            "a check-in without news": tokens(nothing),
            "a check-in with ten messages of a hundred characters": tokens(news),
            "the same as JSON": tokens(as_json),
            "skills.md": tokens(await text_at(http, "/skills.md")),
        }
        async with http.post("/mcp", json=LIST_TOOLS, headers=MCP_HEADERS) as response:
            return counts | ({"tools/list of MCP": tokens(await response.text())} if response.ok else {})


async def text_at(http: ClientSession, path: str) -> str:
    """Return a document. Raises ClientResponseError."""
    async with http.get(path, raise_for_status=True) as response:
        return await response.text()


def too_expensive(counts: dict[str, int]) -> Iterator[str]:
    """The rows that cost more than their budget."""
    return (row for row, budget in BUDGETS.items() if counts.get(row, 0) > budget)


def main() -> None:
    """Print the table, then the same as JSON. Exits with 1 if a row costs more than its budget."""
    argparse.ArgumentParser(prog="python -m benchmarks.tokens", description=__doc__).parse_args()
    counts = asyncio.run(measure())
    for row, count in counts.items():
        print(f"{row:55}{count:6}  {f'of {BUDGETS[row]}' if row in BUDGETS else ''}".rstrip())
    print(json.dumps(counts))
    sys.exit(any(too_expensive(counts)))


if __name__ == "__main__":
    main()
