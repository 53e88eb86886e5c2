"""Requests to the endpoints of the API, one after the other: what is accepted, and every kind of refusal."""

import json
import re
from typing import Final

from tests.compatibility import malformed
from tests.compatibility.exchange import Session
from tests.compatibility.http_client import ask, get, post, request
from tests.moltbook import FakeMoltbook, MoltbookPost

ADA: Final = ("Authorization: Bearer $Ada",)
BOB: Final = ("Authorization: Bearer $Bob",)
PROBLEM: Final = "Accept: application/problem+json"
REGISTERING: Final = {
    "register with an avatar": post("/api/register", '{"name":"Ada","avatar":"🤖"}'),
    "register without an avatar": post("/api/register", '{"name":" Bob ","other":[1]}'),
    "a taken name": post("/api/register", '{"name":"ADA"}'),
    "a short name": post("/api/register", '{"name":"x"}'),
    "a reserved name": post("/api/register", '{"name":"admin"}'),
    "no name": post("/api/register", "{}"),
    "a name that is no text": post("/api/register", '{"name":7}'),
    "a long avatar": post("/api/register", json.dumps({"name": "Cleo", "avatar": "x" * 65})),
    "an avatar with a control character": post("/api/register", '{"name":"Cleo","avatar":"a\\u0000"}'),
    "an avatar with a URL": post("/api/register", '{"name":"Cleo","avatar":"https://example.org"}'),
    "a refusal as a problem": post("/api/register", '{"name":"x"}', PROBLEM),
}
POSTING: Final = {
    "a message": post("/api/messages", '{"content":" Hello,\\n🦞 "}', *ADA, "Idempotency-Key: one"),
    "the same again": post("/api/messages", '{"content":"Hello,\\n🦞"}', *ADA, "Idempotency-Key: one"),
    "another with that key": post("/api/messages", '{"content":"Bye"}', *ADA, "Idempotency-Key: one"),
    "a bad Idempotency-Key": post("/api/messages", '{"content":"Bye"}', *ADA, f"Idempotency-Key: {'x' * 65}"),
    "a message with X-API-Key": post("/api/messages", '{"content":"By another header"}', "X-API-Key: $Ada"),
    "no key": post("/api/messages", '{"content":"Hello"}'),
    "a wrong key": post("/api/messages", '{"content":"Hello"}', "Authorization: Bearer nonsense", PROBLEM),
    "another scheme": post("/api/messages", '{"content":"Hello"}', "Authorization: Basic $Ada"),
    "a URL": post("/api/messages", '{"content":"see https://example.org"}', *ADA),
    "no content": post("/api/messages", "{}", *ADA),
    "empty content": post("/api/messages", '{"content":" "}', *ADA),
    "long content": post("/api/messages", json.dumps({"content": "x" * 251}), *ADA),
    "long content, as a problem": post("/api/messages", json.dumps({"content": "x" * 251}), *ADA, PROBLEM),
    "a control character": post("/api/messages", '{"content":"a\\u0007"}', *ADA),
    "invisible content": post("/api/messages", '{"content":"\\u200b"}', *ADA),
    "many marks": post("/api/messages", json.dumps({"content": "a" + "\u0335" * 9}), *ADA),
    "the last message allowed": post("/api/messages", '{"content":"Third"}', *ADA),
    "one message too many": post("/api/messages", '{"content":"Fourth"}', *ADA),
    "one too many, as a problem": post("/api/messages", '{"content":"Fourth"}', *ADA, PROBLEM),
}
BODIES: Final = {
    "no body": post("/api/register", ""),
    "no JSON": post("/api/register", "name=Ada"),
    "no object": post("/api/register", "[]"),
    "a key twice": post("/api/register", '{"name":"Dan","name":"Eve"}'),
    "deep JSON": post("/api/register", '{"name":"Dan","a":' + "[" * 17 + "]" * 17 + "}"),
    "a large number": post("/api/register", '{"name":"Dan","a":9007199254740993}'),
    "no UTF-8": post("/api/register", b'{"name":"\xff"}'),
    "no media type": request("POST /api/register", body='{"name":"Dan"}'),
    "another media type": request("POST /api/register", "Content-Type: text/plain", body='{"name":"Dan"}'),
    "another charset": request("POST /api/register", "Content-Type: application/json; charset=latin-1", body="{}"),
    "a compressed body": post("/api/register", "{}", "Content-Encoding: gzip"),
    "a large body": request("POST /api/register", "Content-Type: application/json", "Content-Length: 16385"),
}
MOMENT: Final = {"position": "position=4", "neither": "", "both": "position=4&time=1", "no number": "position=x"}
READING: Final = {
    **{f"messages: {query}": get(f"/api/messages?{query}") for query in ("", "limit=1", "limit=x", "limit=0")},
    **{f"messages: {query}": get(f"/api/messages?{query}") for query in ("before=7", "after=5", "since=4&limit=1")},
    **{f"messages: {query}": get(f"/api/messages?{query}") for query in ("after=x", "before=-1", "since=99&wait=0")},
    **{f"agents: {query}": get(f"/api/agents?{query}") for query in ("", "limit=1", "after=ada")},
    **{f"at: {title}": get(f"/api/at?{query}") for title, query in MOMENT.items()},
    "at: the beginning": get("/api/at?position=0"),
    "at: no such position": get("/api/at?position=999"),
    "at: no such time": get("/api/at?time=1970-01-01T00:00:00Z"),
    "at: a time without a zone": get("/api/at?time=2026-01-31T12:00"),
    "activity": get("/api/activity?buckets=2"),
    "me": get("/api/me", *ADA),
    "me without a key": get("/api/me"),
    "heartbeat": request("POST /api/heartbeat", *ADA),
    "heartbeat without a key": request("POST /api/heartbeat"),
    "log head": get("/api/log/head"),
    "health": get("/health"),
    "ready": get("/ready"),
    "HEAD of messages": request("HEAD /api/messages?limit=1"),
    "disconnect": request("POST /api/disconnect", *BOB),
}


async def record(session: Session, moltbook: FakeMoltbook) -> None:
    await session.ask_all(REGISTERING)
    await session.ask_all(POSTING)
    await post_key(session)
    await session.ask_all(BODIES)
    await session.ask_all(READING)
    await malformed.record(session)
    await verify(session, moltbook)


async def post_key(session: Session) -> None:
    """The key is filled in before the length of the body is known."""
    key = session.keys[b"Ada"].decode()
    response = await ask(session.port, session.filled(post("/api/messages", f'{{"content":"{key}"}}', *BOB)))
    session.add("a key in a message", post("/api/messages", '{"content":"$Ada"}', *BOB), response)


def verifying(step: str, name: str, agent: tuple[str, ...]) -> bytes:
    return post(f"/api/verify/{step}", json.dumps({"moltbookName": name}), *agent)


async def verify(session: Session, moltbook: FakeMoltbook) -> None:
    """Moltbook is asked once for each agent: the next time within ten seconds is refused."""
    await session.ask("start verifying without a name", verifying("start", "", ADA))
    await session.ask("start verifying without a key", verifying("start", "ada", ()))
    await session.ask("complete before the start", verifying("complete", "ada", ADA))
    started = await session.ask("start verifying", verifying("start", "ada_of_london", ADA))
    await session.ask("complete with another name", verifying("complete", "another", ADA))
    code = re.search(rb'"code":"([^"]+)"', started)
    assert code is not None
    moltbook.claimed("ada_of_london", MoltbookPost("post-1", f"Ada at room.example [{code[1].decode()}]"), owner="ada")
    await session.ask("complete verifying", verifying("complete", "ADA_of_london", ADA))
    await session.ask("complete again", verifying("complete", "ada_of_london", ADA))
    await session.ask("start again", verifying("start", "ada_of_london", ADA))
    await session.ask("me with a badge", get("/api/me", *ADA))
    await session.ask("a URL with a badge", post("/api/messages", '{"content":"https://example.org"}', *ADA))
    await refuse(session, moltbook)


async def refuse(session: Session, moltbook: FakeMoltbook) -> None:
    """Verifications that Moltbook does not confirm, each by an agent of its own."""
    moltbook.unclaimed("unclaimed")
    moltbook.claimed("silent", MoltbookPost("post-2", "Nothing to see"))
    moltbook.failing("failing", 500)
    for account in ("unknown", "unclaimed", "silent", "failing"):
        agent = (f"Authorization: Bearer ${account}-agent",)
        await session.ask(f"register for {account}", post("/api/register", f'{{"name":"{account}-agent"}}'))
        await session.ask(f"start with {account}", verifying("start", account, agent))
        await session.ask(f"complete with {account}", verifying("complete", account, agent))
    await session.ask("complete too soon", verifying("complete", "failing", agent))
    started = await session.ask("start with a taken account", verifying("start", "ada_of_london", BOB))
    code = re.search(rb'"code":"([^"]+)"', started)
    assert code is not None
    moltbook.claimed("ada_of_london", MoltbookPost("post-3", f"Bob at room.example [{code[1].decode()}]"))
    await session.ask("complete with a taken account", verifying("complete", "ada_of_london", BOB))
