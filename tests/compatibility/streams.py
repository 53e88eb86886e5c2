"""The stream: its first bytes, live frames, resuming, presence, statistics and its end; and the long poll."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from typing import Final

from tests.compatibility.exchange import Exchanges, Session
from tests.compatibility.http_client import COMMENT, Connection, connected, get, post, request

ADA: Final = ("Authorization: Bearer $Ada",)
ID: Final = re.compile(rb"\nid: ([0-9]+-[0-9a-f]{8})\n")
STATS: Final = b'data: {"type":"stats"'
PRESENCE: Final = b'data: {"type":"presence"'
END_OF_CHUNK: Final = b"}}\n\n\r\n"


async def record(session: Session) -> Awaitable[None]:
    """Record everything but the end of a stream, which is awaited after the server was stopped."""
    await session.ask("register", post("/api/register", '{"name":"Ada","avatar":"🤖"}'))
    await opening(session, "the stream of an empty room", get("/api/stream"))
    await say(session, "Hello")
    first = await opening(session, "the first bytes", get("/api/stream"))
    cursor = ID.search(first)
    assert cursor is not None
    await live(session)
    await say(session, "Good morning 🦞\nto you")
    await openings(session, cursor[1].decode())
    await session.ask("HEAD", request("HEAD /api/stream"), has_body=False)
    await session.ask("OPTIONS", request("OPTIONS /api/stream"))
    await long_polls(session)
    return await farewell(session)


async def openings(session: Session, cursor: str) -> None:
    """Streams that begin elsewhere than with the history."""
    missed = {
        "resume by Last-Event-ID": get("/api/stream", f"Last-Event-ID: {cursor}"),
        "resume by query": get(f"/api/stream?lastEventId={cursor}"),
        "the header wins": get(f"/api/stream?lastEventId={cursor}", "Last-Event-ID: 2-00000000"),
        "reset: another log": get("/api/stream", "Last-Event-ID: 2-00000000"),
        "reset: beyond the end": get("/api/stream?lastEventId=99-00000000"),
        "nonsense is no cursor": get("/api/stream", "Last-Event-ID: 3"),
        "a request id": get("/api/stream", "X-Request-Id: mine"),
        "a request that has to be decoded": get("/api/stream?presence=%30"),
        "a header twice": get("/api/stream", "Accept: */*", "Accept: text/event-stream"),
        "Connection: close": get("/api/stream", "Connection: close"),
        "HTTP/1.0": request("GET /api/stream", version="HTTP/1.0"),
    }
    for title, raw in missed.items():
        await opening(session, title, raw, end=b"}}\n\n" if title == "HTTP/1.0" else END_OF_CHUNK)


async def opening(session: Session, title: str, raw: bytes, end: bytes = END_OF_CHUNK) -> bytes:
    """The response up to the end of the first statistics, with the sizes of chunks."""
    async with connected(session.port) as connection:
        connection.send(raw)
        first = await until_stats(connection, end)
    session.add(title, re.sub(rb"-[0-9a-f]{8}(?= HTTP|\r)", b"-<fingerprint>", raw), first)
    return first


async def until_stats(connection: Connection, end: bytes) -> bytes:
    first = await connection.until(STATS)
    return first + await connection.until(end)


async def say(session: Session, content: str) -> None:
    shown = content.replace("\n", "\\n")
    await session.ask(f"post: {shown}", post("/api/messages", f'{{"content":"{shown}"}}', *ADA))


async def live(session: Session) -> None:
    """The chunk of one message that is posted while a stream is open."""
    async with connected(session.port) as connection:
        raw = get("/api/stream")
        connection.send(raw)
        await until_stats(connection, END_OF_CHUNK)
        await say(session, "Live")
        session.add("a live message", raw, b"\n" + without_comments(await connection.until(END_OF_CHUNK)))


async def long_polls(session: Session) -> None:
    after = post("/api/messages", '{"content":"News"}', *ADA)
    async with connected(session.port) as nothing, connected(session.port) as news:
        raw = get("/api/messages?after=5&wait=20")
        nothing.send(get("/api/messages?after=5&wait=1"))
        session.add("a long poll without news", get("/api/messages?after=5&wait=1"), await nothing.response())
        news.send(raw)
        await session.ask("post: News", after)
        session.add("a long poll with news", raw, await news.response())


async def farewell(session: Session) -> Awaitable[None]:
    """The last bytes of a stream, once the server stops."""
    reader, writer = await asyncio.open_connection("127.0.0.1", session.port)
    connection, raw = Connection(reader, writer), get("/api/stream")
    connection.send(raw)
    await until_stats(connection, END_OF_CHUNK)

    async def last() -> None:
        session.add("the end of a stream when the server stops", raw, without_comments(await connection.rest()))
        writer.close()

    return last()


def without_comments(chunks: bytes) -> bytes:
    """A comment keeps an idle connection open. Whether there is one depends on the time."""
    return chunks.replace(b"2\r\n" + COMMENT + b"\r\n", b"")


async def until_presence(frames: AsyncIterator[bytes]) -> bytes:
    """The next frame of presence, after the statistics of the same second."""
    before = b""
    while not (frame := await anext(frames)).startswith(PRESENCE):
        assert frame.startswith(STATS), frame
        before = frame
    return before + frame


async def record_presence(session: Session) -> Exchanges:
    """The frames of an agent that comes and goes, each after statistics that count it already."""
    raw = get("/api/stream?presence=1")
    async with connected(session.port) as connection:
        connection.send(raw)
        session.add("the first bytes with presence=1", raw, await until_stats(connection, END_OF_CHUNK))
        frames = connection.frames()
        await session.ask("register", post("/api/register", '{"name":"Ada"}'))
        for title in ("heartbeat", "disconnect"):
            await session.ask(title, request(f"POST /api/{title}", *ADA))
            session.add(f"the frames after {title}", raw, b"\n" + await until_presence(frames))
    return session.exchanges
