"""Requests from a seed: good ones, odd ones, and what is no HTTP at all."""

import json
from collections.abc import Callable
from random import Random
from typing import Final

from attrs import frozen

PATHS: Final = (
    "/ /api/register /api/messages /api/stream /api/heartbeat /api/disconnect /api/agents /api/me /api/verify/start "
    "/api/verify/complete /health /ready /docs /page/page.css /skills.md /openapi.json /.well-known/x /api /api/ //"
).split()
METHODS: Final = "GET GET GET POST POST POST HEAD OPTIONS PUT DELETE PATCH TRACE CONNECT QUERY get G*T".split()
FIELDS: Final = "name avatar content moltbookName agentId __proto__".split()
QUERIES: Final = (
    "limit=5 limit=-1 after=1 after=x before=999999999999999999999 since=%00 after=%ff wait=0 a=b&a=c %".split()
)
TEXTS: Final = (
    *("", "Ada", "x" * 300, "hello", "https://example.com", "\x00", "\u202e", "\U000e0041", "e" + "\u0301" * 40),
    *("\ufffe", "admin", " pad ", "👩‍👩‍👧", "ﷺ" * 200, "\\u0000", "'; drop table log; --", "{{7*7}}"),
)
NUMBERS: Final = ("0", "-1", "1e999", "9" * 400, "1.5", "9007199254740993", "-0.0", "NaN", "Infinity", "0x1", "01")
BROKEN_JSON: Final = (
    *(b"", b"{", b"null", b"[]", b'"x"', b"{}{}", b'{"name":}', b'{"name":"Ada","name":"Bob"}', b"\xef\xbb\xbf{}"),
    *(b'{"name":"\\ud800"}', b'{"content":"\\udfff\\ud800"}', b'{"name":"\xff\xfe"}', b'{"name":"\xed\xa0\x80"}'),
    *(b"[" * 5_000, b'{"a":' * 3_000 + b"1" + b"}" * 3_000, b'{"a":' + b"[" * 20 + b"]" * 20 + b"}", b"\x00" * 50),
    *('{"name":"Ada"}'.encode("utf-16"), b'{"name":"' + b"A" * 17_000 + b'"}', b'{"a":"\x01"}', b"\r\n{}"),
)
ODD_HEADERS: Final = (
    *(b"Expect: 100-continue", b"Expect: 200-ok", b"Upgrade: websocket\r\nConnection: Upgrade", b"Cookie: a=b"),
    *(
        b"Content-Encoding: gzip",
        b"Content-Encoding: br",
        b"Content-Type: text/plain",
        b"X-Forwarded-For: 1.2.3.4, ::1",
    ),
    *(b"Content-Type: application/json; charset=utf-16", b"Authorization: Bearer chatr_x", b"Authorization: \xff\xfe"),
    *(b"X-API-Key: " + b"k" * 500, b"Last-Event-ID: 1-00000000", b"Last-Event-ID: -1", b"Idempotency-Key: \xc3\xa9"),
    *(b"If-None-Match: *", b'If-None-Match: W/"', b"Range: bytes=0-0", b"Accept: application/problem+json, */*"),
    *(b"Origin: null", b"Access-Control-Request-Method: POST", b"X-Request-Id: a\tb", b"Host: [::", b"Referer: \x80"),
    *(b"X: " + b"y" * 7_000, b"X: " + b"y" * 9_000, b"\r\n".join(b"X%d: y" % number for number in range(70))),
)
BAD_HEADERS: Final = (
    *(b"X : y", b" folded", b"no colon", b": empty", b"X: \x00", b"X: a\rb", b"X: a\nb", b"\x00: y", b"X\xff: y"),
    *(
        b"Content-Length: -1",
        b"Content-Length: 1e3",
        b"Content-Length: +5",
        b"Content-Length: 5, 6",
        b"Content-Length:",
    ),
    *(b"Content-Length: 0x10", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: gzip, chunked"),
    *(b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked"),
)


@frozen
class Sent:
    """`answers` is how many answers must come; None where only the server can tell what was asked of it."""

    pieces: tuple[bytes, ...]
    answers: int | None


def sent(random: Random, key: str) -> Sent:
    """What one connection is sent: some requests in a row, or noise."""
    if random.random() < 0.4:
        noise = random.choice((misframed, spoiled, bad_header, garbage))(random, key)
        return Sent(cut(random, noise), None)
    count = random.choice((1, 1, 1, 2, 3))
    requests = [good(random, key, last=number == count - 1) for number in range(count)]
    return Sent(cut(random, b"".join(requests)), count)


def good(random: Random, key: str, *, last: bool = True) -> bytes:
    """Well-formed HTTP, whatever it asks for. The last one asks for the end of the connection."""
    method = random.choice(METHODS[:-2]) if last else random.choice(("GET", "POST", "HEAD", "PUT"))
    headers = [b"Host: localhost", *odd_headers(random, key, last=last)]
    body = random_body(random) if method != "GET" or random.random() < 0.1 else b""
    framing = random.choice((with_length, in_chunks)) if body else without_body
    if last:
        headers.append(b"Connection: close")
    return framing(random, method.encode(), target(random, last=last), headers, body)


def odd_headers(random: Random, key: str, *, last: bool) -> list[bytes]:
    headers = [b"Content-Type: application/json"] if random.random() < 0.8 else []
    if random.random() < 0.5:
        headers.append(b"Authorization: Bearer " + key.encode())
    if last and random.random() < 0.4:
        headers += random.sample(ODD_HEADERS, random.choice((1, 1, 2)))
    return headers


def target(random: Random, *, last: bool) -> bytes:
    path = random.choice(PATHS)
    if random.random() < 0.3:
        path += "?" + "&".join(random.sample(QUERIES, random.choice((1, 2))))
    if last and random.random() < 0.2:
        path = random.choice(
            (path + "%", path + "%ff%00", path * 3, "*", "http://[::1]" + path, "../" + path, "/%2e%2e/x")
        )
    if last and random.random() < 0.03:
        path += "x" * random.choice((5_000, 9_000, 20_000))
    return path.replace("wait=25", "wait=0").encode()


def random_body(random: Random) -> bytes:
    kind = random.random()
    if kind < 0.2:
        return random.choice(BROKEN_JSON)
    if kind < 0.3:
        return random.randbytes(random.choice((1, 30, 3_000, 20_000)))
    fields = {name: value(random) for name in random.sample(FIELDS, random.choice((1, 2, 3)))}
    return ("{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in fields.items()) + "}").encode()


def value(random: Random) -> str:
    kind = random.random()
    if kind < 0.6:
        return json.dumps(random.choice(TEXTS), ensure_ascii=random.random() < 0.5)
    if kind < 0.8:
        return random.choice(NUMBERS)
    return random.choice(("null", "true", "[]", "{}", '["a", {"b": [1]}]', f'"{chr(random.randrange(0x20, 0xD800))}"'))


def head(method: bytes, path: bytes, headers: list[bytes], version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b" ".join((method, path, version)), *headers, b"", b""))


def without_body(_random: Random, method: bytes, path: bytes, headers: list[bytes], _body: bytes) -> bytes:
    return head(method, path, headers)


def with_length(_random: Random, method: bytes, path: bytes, headers: list[bytes], body: bytes) -> bytes:
    return head(method, path, [*headers, b"Content-Length: %d" % len(body)]) + body


def in_chunks(random: Random, method: bytes, path: bytes, headers: list[bytes], body: bytes) -> bytes:
    return head(method, path, [*headers, b"Transfer-Encoding: chunked"]) + chunked(random, body) + b"0\r\n\r\n"


def chunked(random: Random, body: bytes) -> bytes:
    size = random.choice((1, 7, 1_000)) if len(body) < 5_000 else 4_000
    return b"".join(
        b"%x%b\r\n%b\r\n" % (len(part), random.choice((b"", b";a=b")), part)
        for part in (body[at : at + size] for at in range(0, len(body), size))
    )


def misframed(random: Random, key: str) -> bytes:
    """A body whose length is told wrongly, twice, or not at all."""
    body, length = random_body(random), b"Content-Length: %d"
    headers = [
        b"Host: localhost",
        b"Content-Type: application/json",
        *random.choices(ODD_HEADERS, k=random.choice((0, 1))),
    ]
    post = partial_post(headers)
    return random.choice(
        (
            lambda: post(length % (len(body) + 5)) + body,
            lambda: post(length % max(0, len(body) - 5)) + body,
            lambda: post(length % len(body), length % (len(body) + 1)) + body,
            lambda: post(length % len(body), b"Transfer-Encoding: chunked") + chunked(random, body) + b"0\r\n\r\n",
            lambda: post(b"Transfer-Encoding: chunked") + chunked(random, body),
            lambda: post(b"Transfer-Encoding: chunked") + b"zz\r\n" + body,
            lambda: post(b"Transfer-Encoding: chunked") + b"5\r\n" + body + b"\r\n0\r\n\r\n",
            lambda: post(b"Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n" + body,
            lambda: post(b"Transfer-Encoding: chunked") + b"1;" + b"x" * 20_000 + b"\r\na\r\n0\r\n\r\n",
            lambda: post(b"Transfer-Encoding: chunked") + b"0\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
            lambda: post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        )
    )()


def partial_post(headers: list[bytes]) -> Callable[..., bytes]:
    return lambda *more: head(b"POST", b"/api/register", [*headers, *more])


def bad_header(random: Random, key: str) -> bytes:
    return head(
        b"POST",
        target(random, last=False),
        [b"Host: x", random.choice(BAD_HEADERS), *odd_headers(random, key, last=True)],
    ) + random_body(random)


def spoiled(random: Random, key: str) -> bytes:
    """A request in which some bytes were changed, lost, doubled or put in."""
    raw = bytearray(good(random, key))
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(raw))
        match random.randrange(4):
            case 0:
                raw[at] = random.randrange(256)
            case 1:
                del raw[at : at + random.choice((1, 4, 40))]
            case 2:
                raw[at:at] = raw[at : at + 30]
            case _:
                raw[at:at] = random.choice((b"\r\n", b"\n", b"\x00", b"\r", b" ", b"\x80"))
        if not raw:
            raw += b"\r\n"
    return bytes(raw)


def garbage(random: Random, _key: str) -> bytes:
    start = random.choice(
        (
            b"",
            b"\x16\x03\x01",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/1.1\r\n",
            b"\r\n" * 50,
            b"GET /\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        )
    )
    return start + random.randbytes(random.choice((1, 10, 200, 30_000)))


def cut(random: Random, raw: bytes) -> tuple[bytes, ...]:
    """As it may come out of the network: whole, or in pieces."""
    if random.random() < 0.6 or len(raw) < 2:
        return (raw,)
    at = sorted(random.sample(range(1, len(raw)), min(len(raw) - 1, random.choice((1, 2, 5)))))
    return tuple(raw[start:end] for start, end in zip([0, *at], [*at, len(raw)], strict=True))
