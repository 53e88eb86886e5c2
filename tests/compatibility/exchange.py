"""One request and its response as text: keys are filled in before sending, random values replaced after it."""

import re
from typing import Final

from attrs import define, field

from tests.compatibility.http_client import ask, connected
from tests.compatibility.placeholders import Placeholders

Exchanges = dict[str, str]
"""Request and response of each exchange, by its title."""
REGISTERED: Final = re.compile(rb'"name":"([^"]+)","apiKey":"([^"]+)"')
LONGEST: Final = 700
"""Bytes of a request that are shown."""


@define
class Session:
    """The exchanges with the server at `port`. In a request, `$Ada` stands for the key of the agent Ada."""

    port: int
    exchanges: Exchanges = field(factory=dict)
    keys: dict[bytes, bytes] = field(factory=dict)
    placeholders: Placeholders = field(factory=Placeholders)

    def filled(self, raw: bytes) -> bytes:
        for name, key in self.keys.items():
            raw = raw.replace(b"$" + name, key)
        return raw

    def add(self, title: str, raw: bytes, response: bytes) -> None:
        """Keep an exchange: the request as it was written, the response with placeholders."""
        assert title not in self.exchanges, title
        if found := REGISTERED.search(response):
            self.keys[found[1]] = found[2]
        self.exchanges[title] = f"{shown(raw)}\n--\n{self.placeholders.replace(response)}"

    async def ask(self, title: str, raw: bytes, *, has_body: bool = True) -> bytes:
        """Send the request on a new connection; the response as it came."""
        response = await ask(self.port, self.filled(raw), has_body=has_body)
        self.add(title, raw, response)
        return response

    async def ask_all(self, table: dict[str, bytes]) -> None:
        for title, raw in table.items():
            await self.ask(title, raw, has_body=not raw.startswith(b"HEAD "))

    async def ask_on_one_connection(self, title: str, *requests: bytes) -> None:
        """Send the requests one after the other, each after the response to the one before."""
        responses = b""
        async with connected(self.port) as connection:
            for raw in requests:
                connection.send(self.filled(raw))
                responses += await connection.response() + b"\n"
        self.add(title, b"\n".join(requests), responses)

    async def ask_at_once(self, title: str, *requests: bytes) -> None:
        """Send the requests in one piece; then read a response to each."""
        async with connected(self.port) as connection:
            connection.send(self.filled(b"".join(requests)))
            responses = b"".join([await connection.response() + b"\n" for _ in requests])
        self.add(title, b"".join(requests), responses)

    async def ask_until_closed(self, title: str, raw: bytes) -> None:
        """Everything that the server sends until it closes the connection."""
        async with connected(self.port) as connection:
            connection.send(self.filled(raw))
            self.add(title, raw, await connection.rest())


def shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "backslashreplace").replace("\r", "␍")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
