"""Random requests from a seed: valid ones, unusual ones, and bytes that are not HTTP at all."""

import json
from itertools import pairwise
from random import Random
from typing import Final

from attrs import frozen

HOST: Final = b"Host: localhost"
JSON: Final = b"Content-Type: application/json"
CLOSE: Final = b"Connection: close"
CHUNKED: Final = b"Transfer-Encoding: chunked"
LAST_CHUNK: Final = b"0\r\n\r\n"

# Methods are repeated so that the usual ones are chosen most often.
METHODS: Final = "GET GET GET POST POST POST HEAD OPTIONS PUT DELETE PATCH TRACE CONNECT QUERY".split()
PATHS: Final = (
    "/ /api/register /api/messages /api/stream /api/heartbeat /api/disconnect /api/agents /api/me /api/verify/start "
    "/api/verify/complete /health /ready /docs /page/page.css /skills.md /openapi.json /.well-known/x /api /api/ //"
).split()
QUERIES: Final = (
    "limit=5 limit=-1 after=1 after=x before=999999999999999999999 since=%00 after=%ff wait=0 a=b&a %".split()
)
UNUSUAL_PATHS: Final = "{}% {}%ff%00 {}{}{} * http://[::1]{} ..{} /%2e%2e{} {}\x7f {}#a {}\\..\\".split()
FIELDS: Final = "name avatar content moltbookName agentId __proto__".split()
TEXTS: Final = (
    *("", "Ada", "x" * 300, "hello", "https://example.com", "\x00", "\u202e", "\U000e0041", "e" + "\u0301" * 40),
    *("\ufffe", "admin", " pad ", "👩‍👩‍👧", "ﷺ" * 200, "\\u0000", "'; drop table log; --", "{{7*7}}"),
)
VALUES: Final = (
    *("null", "true", "[]", "{}", '["a", {"b": [1]}]', "0", "-1", "1e999", "9" * 400, "1.5", "9007199254740993"),
    *("-0.0", "NaN", "-Infinity", "0x1", "01", '"\\ud800"', '"\\u0000"', "'Ada'", "undefined"),
)
BODIES: Final = (
    *(b"{", b"null", b"[]", b'"x"', b"{}{}", b'{"name":}', b'{"name":"Ada","name":"Bob"}', b"\xef\xbb\xbf{}"),
    *(b'{"content":"\\udfff\\ud800"}', b'{"name":"\xff\xfe"}', b'{"name":"\xed\xa0\x80"}', b'{"a":"\x01"}', b"\r\n{}"),
    *(b"[" * 5_000, b'{"a":' * 3_000 + b"1" + b"}" * 3_000, b'{"a":' + b"[" * 20 + b"]" * 20 + b"}", b"\x00" * 50),
    *('{"name":"Ada"}'.encode("utf-16"), b'{"name":"' + b"A" * 17_000 + b'"}', b"a=b&c=d"),
)
UNUSUAL_HEADERS: Final = (
    *(b"Expect: 100-continue", b"Expect: 200-ok", b"Upgrade: websocket\r\nConnection: Upgrade", b"Cookie: a=b"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Type: text/plain", b"X-Forwarded-For: 1.2.3.4"),
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
LENGTH: Final = b"Content-Length: %d"
MISFRAMED: Final = (
    *((LENGTH % 9_000, b"{}"), (LENGTH % 1, b'{"a":1}'), (LENGTH % 2 + b"\r\n" + LENGTH % 3, b"{} ")),
    *((LENGTH % 2 + b"\r\n" + CHUNKED, b"2\r\n{}\r\n" + LAST_CHUNK), (CHUNKED + b"\r\n" + CHUNKED, LAST_CHUNK)),
    *(
        (CHUNKED, b"2\r\n{}\r\n"),
        (CHUNKED, b"zz\r\n{}"),
        (CHUNKED, b"5\r\n{}\r\n" + LAST_CHUNK),
        (CHUNKED, b"-2\r\n{}"),
    ),
    *((CHUNKED, b"f" * 17 + b"\r\n{}"), (CHUNKED, b"2;" + b"x" * 20_000 + b"\r\n{}\r\n" + LAST_CHUNK)),
    *(
        (CHUNKED, b"0\r\n" + b"X: y\r\n" * 2_000 + b"\r\n"),
        (CHUNKED, b"2\n{}\n0\n\n"),
        (CHUNKED, b"2\r\n{}" + LAST_CHUNK),
    ),
)
FIRST_BYTES: Final = (
    *(b"", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n", b"\r\n" * 50, b"GET /\r\n"),
    *(
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
    ),
)
INSERTIONS: Final = (b"\r\n", b"\n", b"\x00", b"\r", b" ", b"\x80", b":", b"")


@frozen
class Sent:
    """The bytes sent on one connection, and how many responses are due: None if that depends on the server."""

    pieces: tuple[bytes, ...]
    due: int | None


class Noise:
    """Makes what is sent on any number of connections, for an agent with this key."""

    def __init__(self, seed: int, key: str) -> None:
        self._random = Random(seed)
        self._key = b"Authorization: Bearer " + key.encode()

    def next(self) -> Sent:
        """The bytes for one more connection: half of them well-formed HTTP, half of them not."""
        due = self._random.choice((None, None, 1, 1, 1, 2, 3))
        if due is None:
            malformed = self._random.choice((self._misframed, self._damaged, self._bad_header, self._garbage))()
            return Sent(self._split(malformed), None)
        return Sent(self._split(b"".join(self._ordinary() for _ in range(due - 1)) + self._unusual()), due)

    def _with_chance(self, share: float) -> bool:
        return self._random.random() < share

    def _ordinary(self) -> bytes:
        """A request after which the connection stays open."""
        return self._framed(self._random.choice(("GET", "POST", "HEAD", "PUT")), self._path(), self._headers())

    def _unusual(self) -> bytes:
        """A well-formed request, whatever it asks for, after which the connection is closed."""
        headers = [*self._headers(), *self._random.sample(UNUSUAL_HEADERS, self._random.choice((0, 0, 1, 2))), CLOSE]
        path = self._path()
        if self._with_chance(0.2):
            path = self._random.choice(UNUSUAL_PATHS).replace("{}", path)
        if self._with_chance(0.03):
            path += "x" * self._random.choice((5_000, 9_000, 20_000))
        return self._framed(self._random.choice(METHODS), path, headers)

    def _path(self) -> str:
        query = self._random.sample(QUERIES, self._random.choice((0, 0, 1, 2)))
        return self._random.choice(PATHS) + ("?" + "&".join(query) if query else "")

    def _headers(self) -> list[bytes]:
        return [HOST, *([JSON] if self._with_chance(0.8) else []), *([self._key] if self._with_chance(0.5) else [])]

    def _framed(self, method: str, path: str, headers: list[bytes]) -> bytes:
        """A request with a random body, which has a Content-Length or is chunked."""
        body = self._body() if method != "GET" or self._with_chance(0.1) else b""
        if not body:
            return head(method, path, headers)
        if self._with_chance(0.5):
            return head(method, path, [*headers, LENGTH % len(body)]) + body
        size = 4_000 if len(body) > 3_000 else self._random.choice((1, 7, 1_000))
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        extension = self._random.choice((b"", b";a=b"))
        chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
        return head(method, path, [*headers, CHUNKED]) + chunks + LAST_CHUNK

    def _body(self) -> bytes:
        if self._with_chance(0.2):
            return self._random.choice(BODIES)
        if self._with_chance(0.1):
            return self._random.randbytes(self._random.choice((1, 30, 3_000, 20_000)))
        fields = self._random.sample(FIELDS, self._random.choice((0, 1, 2, 3)))
        return "{{{}}}".format(", ".join(f'"{name}": {self._value()}' for name in fields)).encode()

    def _value(self) -> str:
        if self._with_chance(0.3):
            return self._random.choice(VALUES)
        text = chr(self._random.randrange(0xD800)) if self._with_chance(0.2) else self._random.choice(TEXTS)
        return json.dumps(text, ensure_ascii=self._with_chance(0.5))

    def _misframed(self) -> bytes:
        """A request whose body has a wrong length, two lengths or none."""
        framing, body = self._random.choice(MISFRAMED)
        return head("POST", self._path(), [*self._headers(), framing]) + body

    def _bad_header(self) -> bytes:
        """A request with a header that RFC 9110 does not allow."""
        return head("POST", self._path(), [HOST, self._random.choice(BAD_HEADERS), *self._headers()]) + self._body()

    def _garbage(self) -> bytes:
        """The first bytes of a protocol, and random bytes after them."""
        first_bytes = self._random.choice(FIRST_BYTES)
        return first_bytes + self._random.randbytes(self._random.choice((1, 10, 200, 30_000)))

    def _damaged(self) -> bytes:
        """A request of which some bytes were changed, removed or doubled, or into which others were inserted."""
        raw = self._unusual()
        for _ in range(self._random.choice((1, 1, 2, 5))):
            index = self._random.randrange(len(raw) + 1)
            removed = self._random.choice((0, 0, 1, 4, 40))
            inserted = self._random.choice((*INSERTIONS, self._random.randbytes(1), raw[index : index + 30]))
            raw = raw[:index] + inserted + raw[index + removed :]
        return raw

    def _split(self, raw: bytes) -> tuple[bytes, ...]:
        """The bytes as they may come out of the network: at once, or in pieces."""
        cuts = {self._random.randrange(len(raw) + 1) for _ in range(self._random.choice((0, 0, 0, 1, 2, 5)))}
        return tuple(raw[start:end] for start, end in pairwise(sorted({0, len(raw), *cuts})))


def head(method: str, path: str, headers: list[bytes]) -> bytes:
    """The head of a request: its request line, headers and the empty line."""
    return b"\r\n".join((f"{method} {path} HTTP/1.1".encode(), *headers, b"", b""))
