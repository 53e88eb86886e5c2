"""The protocol: paths and methods that do not exist, preflights, connections, expectations, and what is not HTTP."""

from typing import Final

from tests.compatibility.exchange import Session
from tests.compatibility.http_client import get, post, request

JSON: Final = "Content-Type: application/json"
ORIGIN: Final = "Origin: https://elsewhere.example"
UNSERVED: Final = {
    "an unknown path": get("/nothing"),
    "an unknown path, as a problem": get("/nothing", "Accept: application/problem+json, */*;q=0.1"),
    "an unknown path of the API": get("/api/nothing"),
    "a slash too many": get("/api/messages/"),
    "an unknown page file": get("/page/nothing.js"),
    "another method": request("DELETE /api/messages"),
    "GET of what takes POST": get("/api/register"),
    "POST of what takes GET": post("/", "{}"),
    "an unknown method": request("BREW /api/messages"),
    **{
        f"preflight of {path}": request(
            f"OPTIONS {path}",
            ORIGIN,
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: x-api-key",
        )
        for path in ("/api/messages", "/api/register", "/", "/nothing")
    },
    "a request from elsewhere": get("/api/log/head", ORIGIN),
    "a request id": get("/health", "X-Request-Id: mine-1.2_3"),
    "a bad request id": get("/health", "X-Request-Id: not mine"),
    "a request id twice": get("/health", "X-Request-Id: first", "X-Request-Id: second"),
    "a percent-encoded path": get("/api%2Fmessages"),
    "a percent-encoded letter": get("/%68ealth"),
    "a whole URL": get("http://room.example/health"),
    "another expectation": request("POST /api/register", JSON, "Expect: miracles", body="{}"),
    "100-continue": request("POST /api/register", JSON, "Expect: 100-continue", body='{"name":"x"}'),
    "100-continue where nothing is": request("POST /nothing", JSON, "Expect: 100-continue", body="{}"),
    "a chunked body": request("POST /api/register", JSON, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "a large chunked body": request("POST /api/register", JSON, "Transfer-Encoding: chunked")
    + b"4001\r\n%b\r\n0\r\n\r\n" % (b" " * 0x4001),
    "HTTP/1.0 that stays": request("GET /health", "Connection: keep-alive", version="HTTP/1.0"),
}
CLOSED: Final = {
    "HTTP/1.0": request("GET /health", version="HTTP/1.0"),
    "Connection: close": get("/health", "Connection: close"),
    "no HTTP": b"HELLO\r\n\r\n",
    "another version": b"GET / HTTP/3.0\r\n\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "Content-Length twice": request("POST /api/register", JSON, "Content-Length: 2", "Content-Length: 3") + b"{}",
    "a bad Content-Length": request("POST /api/register", JSON, "Content-Length: two") + b"{}",
    "two lengths": request("POST /api/register", JSON, "Transfer-Encoding: chunked", "Content-Length: 2"),
    "a bad chunk": request("POST /api/register", JSON, "Transfer-Encoding: chunked") + b"x\r\n",
    "a long line": get(f"/{'x' * 17000}"),
    "a long header": get("/health", f"X-Long: {'x' * 17000}"),
    "a long head": get("/health", *(f"X-{number}: {'x' * 4000}" for number in range(9))),
    "many headers": get("/health", *(f"X-{number}: x" for number in range(110))),
}


async def record(session: Session) -> None:
    await session.ask_all(UNSERVED)
    for title, raw in CLOSED.items():
        await session.ask_until_closed(title, raw)
    await session.ask_on_one_connection(
        "one connection", get("/health"), get("/nothing"), post("/api/register", "[]"), get("/ready")
    )
    await session.ask_at_once("pipelined requests", get("/health"), get("/nothing"), get("/ready"))
