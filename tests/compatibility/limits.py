"""Refusals by limits. One client sends them in this order to a server with small limits."""

from tests.compatibility.exchange import Exchanges, Session
from tests.compatibility.http_client import connected, get, post

ADA = ("Authorization: Bearer $Ada",)
PROBLEM = "Accept: application/problem+json"


async def record(session: Session) -> Exchanges:
    """Seven requests are counted, then every further one is refused. /health is never counted."""
    first = {
        "the first registration": post("/api/register", '{"name":"Ada"}'),
        "the second registration": post("/api/register", '{"name":"Bob"}'),
        "too many registrations": post("/api/register", '{"name":"Cleo"}'),
        "the first message": post("/api/messages", '{"content":"Hello"}', *ADA),
        "too many messages": post("/api/messages", '{"content":"Again"}', *ADA),
    }
    last = {
        "too many requests": get("/api/agents"),
        "too many requests, as a problem": get("/api/agents", PROBLEM),
        "too many requests, of a stream": get("/api/stream"),
        "too many requests, of an unknown path": get("/nothing"),
        "health is not counted": get("/health"),
        "a page file is not counted": get("/page/nothing"),
    }
    await session.ask_all(first)
    async with connected(session.port) as stream:
        stream.send(get("/api/stream"))
        await stream.until(b"\r\n\r\n")
        await session.ask("too many streams", get("/api/stream"))
    await session.ask_all(last)
    return session.exchanges
