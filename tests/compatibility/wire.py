"""Exchanges with a running server, as they are recorded in wire/: a section for each exchange."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.compatibility import documents, limits, room_calls, streams
from tests.compatibility.commands import served
from tests.compatibility.exchange import Exchanges, Session
from tests.moltbook import FakeMoltbook

RECORDED: Final = Path(__file__).parent / "wire"
TITLE: Final = re.compile(r"^### (.+)\n", re.MULTILINE)
PATIENCE: Final = 60
OPEN: Final = ("--log", "memory:", "--rate-requests", "100000/1", "--rate-registrations", "100000/1")


def written(exchanges: Exchanges) -> str:
    return "".join(f"### {title}\n{text}\n" for title, text in exchanges.items())


def read(path: Path) -> dict[str, str]:
    _, *parts = TITLE.split(path.read_text("utf-8"))
    return {title: text[:-1] for title, text in zip(parts[::2], parts[1::2], strict=True)}


def recorded_exchanges() -> dict[tuple[str, str], str]:
    """Every recorded exchange, by its file and title."""
    return {(path.name, title): text for path in sorted(RECORDED.iterdir()) for title, text in read(path).items()}


async def record_rooms() -> Mapping[str, Exchanges]:
    """The exchanges with a server whose limits are low."""
    async with FakeMoltbook() as moltbook:
        flags = (*OPEN, "--rate-unverified", "3/3600", "--moltbook-url", moltbook.url)
        async with served(*flags) as port:
            session = Session(port)
            await room_calls.record(session, moltbook)
            calls = session.exchanges
        return {"calls.txt": calls}


async def record_documents() -> Mapping[str, Exchanges]:
    async with served(*OPEN) as port:
        return {"documents.txt": await documents.record(port), "openapi.txt": await documents.record_openapi(port)}


async def record_limits() -> Mapping[str, Exchanges]:
    small = ("--rate-requests", "7/3600", "--rate-registrations", "2/3600", "--max-streams-per-ip", "1")
    async with served("--log", "memory:", "--rate-unverified", "1/300", *small) as port:
        return {"limits.txt": await limits.record(Session(port))}


async def record_streams() -> Mapping[str, Exchanges]:
    session = Session(0)
    async with served(*OPEN, "--rate-unverified", "100/60", "--stats-every", "3600") as session.port:
        farewell = await streams.record(session)
    await farewell
    return {"streams.txt": session.exchanges}


async def record_presence() -> Mapping[str, Exchanges]:
    async with served(*OPEN, "--stats-every", "1") as port:
        return {"presence.txt": await streams.record_presence(Session(port))}


RECORDERS: Final = (record_presence, record_streams, record_rooms, record_limits, record_documents)
"""The slowest first."""


async def record_all() -> dict[str, Exchanges]:
    async with asyncio.timeout(PATIENCE):
        recorded = await asyncio.gather(*(record() for record in RECORDERS))
    return {name: exchanges for each in recorded for name, exchanges in each.items()}
