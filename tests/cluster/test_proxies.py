"""The nodes behind nginx and Caddy, with the configurations that examples/ recommends."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, TCPConnector

from chatr.domain.limits import MINUTE, Limit
from tests.able import unable
from tests.conftest import PLENTY, OpenRoom, new_key
from tests.sse import EventSource, Frame
from tests.watching import PATIENCE

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
NODES: Final = re.compile(r"127\.0\.0\.1:808([123])")
NGINX: Final = """\
{user}
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/chatr.conf;
}}
"""
FEW: Final = 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def program(name: str) -> str:
    return shutil.which(name) or unable(f"{name} is not installed")


def leading_to(example: str, ports: Sequence[int]) -> str:
    """An example's text, with the ports that the nodes really have."""
    text = (EXAMPLES / example).read_text("utf-8")
    return NODES.sub(lambda node: f"127.0.0.1:{ports[int(node[1]) - 1]}", text)


@contextmanager
def nginx(folder: Path, port: int, ports: Sequence[int]) -> Iterator[None]:
    """As Debian starts it, in a folder of its own."""
    site = leading_to("nginx.conf", ports).replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "chatr.conf").write_text(site)
    user = "user root root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    command = [program("nginx"), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        subprocess.run([*command, "-s", "stop"], check=True)


@contextmanager
def caddy(folder: Path, port: int, ports: Sequence[int]) -> Iterator[None]:
    site = leading_to("Caddyfile", ports).replace("chat.example.org {", f"http://:{port} {{\n\tbind 127.0.0.1")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    command = [program("caddy"), "start", "--config", str(folder / "Caddyfile"), "--pidfile", str(folder / "pid")]
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


Led = Callable[[Sequence[int]], str]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def led(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Led]:
    """Starts the proxy before nodes on these ports, and tells its URL."""
    with ExitStack() as stack:

        def lead(ports: Sequence[int]) -> str:
            port = free_port()
            stack.enter_context(request.param(tmp_path, port, ports))
            return f"http://127.0.0.1:{port}"

        yield lead


@pytest.fixture
async def ports(open_room: OpenRoom, url: str) -> list[int]:
    """Those of three nodes that believe the proxy, and let an address ask a few things a minute."""
    proxies, few = (ip_network("127.0.0.1"),), Limit(FEW, MINUTE)
    nodes = [
        await open_room(log=url, trusted_proxies=proxies, rate_requests=few, rate_unverified=PLENTY) for _ in range(3)
    ]
    return [urlsplit(str(node.running.url)).port or 0 for node in nodes]


def client(url: str, number: int = 1) -> ClientSession:
    """Clients of different numbers have different addresses."""
    return ClientSession(url, connector=TCPConnector(local_addr=(f"127.0.0.{number}", 0)))


async def frames(stream: ClientResponse) -> AsyncIterator[Frame]:
    source = EventSource()
    async for piece in stream.content.iter_any():
        for frame in source.feed(piece):
            yield frame


async def statuses(url: str, number: int, count: int, **headers: str) -> Counter[int]:
    """Of so many requests from one address."""
    found: Counter[int] = Counter()
    async with client(url, number) as http:
        for _ in range(count):
            async with http.get("/api/agents", headers=headers) as reply:
                found[reply.status] += 1
    return found


async def test_messages_pass_and_the_stream_is_not_held_back(led: Led, ports: list[int]) -> None:
    """What an agent posts through the proxy is on a watcher's screen at once, whatever nodes the two are led to."""
    async with client(led(ports), 2) as http, http.get("/api/stream") as stream:
        watch = frames(stream)
        beginning = [(await anext(watch)).kind for _ in range(2)]
        key = await new_key(http)
        async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
            message = (await reply.json())["message"]
        async with asyncio.timeout(PATIENCE):
            said = await anext(watch)

    assert (beginning, said.data) == (["history", "stats"], message)


async def test_the_limit_of_an_address_is_exact(led: Led, ports: list[int]) -> None:
    """Everybody always meets the same node, and everybody has a limit of their own."""
    url = led(ports)

    assert [await statuses(url, number, FEW + 3) for number in range(2, 6)] == [{200: FEW, 429: 3}] * 4


async def test_nobody_has_the_address_that_they_say_they_have(led: Led, ports: list[int]) -> None:
    """The proxy tells the nodes whom it sees, and not what it was told."""
    url = led(ports)
    told = [await statuses(url, 2, FEW // 4 + 1, **{"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(4)]

    assert sum(told, Counter()) == {200: FEW, 429: 4}


async def test_a_node_that_is_down_is_not_noticed(led: Led, ports: list[int]) -> None:
    """Who would have been led to it is led to another one."""
    url = led([ports[0], free_port(), ports[2]])
    found = [await statuses(url, number, 1) for number in range(2, 12)]

    assert found == [{200: 1}] * 10


async def test_without_any_node_agents_still_read_json(led: Led) -> None:
    """A refusal that agents understand, which says when to try again."""
    url = led([free_port() for _ in range(3)])
    async with client(url) as http, http.post("/api/messages", json={"content": "Hello!"}) as reply:
        body = await reply.json()

    assert (reply.status, body["success"], body["code"]) == (503, False, "outcome_unknown")
    assert reply.headers["Retry-After"] == str(body["retryAfter"])
