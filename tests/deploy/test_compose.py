"""compose.yaml: what it says, and Caddy as it is configured there, in front of a real room."""

import asyncio
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml

from chatr.cli.main import build_parser
from chatr.domain.limits import MINUTE, Limit
from chatr.settings_loading import load
from tests.cluster.test_proxies import REQUESTS, client, frames, statuses
from tests.conftest import NO_RATE_LIMIT, OpenRoom, new_key
from tests.reverse_proxies import free_port, program, start_in_background
from tests.stream_client import TIMEOUT

CADDYFILE: Final = Path("deploy/Caddyfile")
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(Path("compose.yaml").read_text("utf-8"))
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
NAMES: Final = ("chatr", "backup", "caddy")


def filled(value: str, domain: str) -> str:
    """Return a value of compose.yaml with its one variable filled in."""
    return re.sub(r"\$\{CHATR_DOMAIN(:\?[^}]*)?\}", domain, value)


@pytest.mark.parametrize("name", NAMES)
def test_every_container_is_confined(name: str) -> None:
    """Its root is read-only, it has no capability but one of Caddy's, gains none, and is started again."""
    service = SERVICES[name]

    assert (service["read_only"], service["cap_drop"], service["restart"]) == (True, ["ALL"], "unless-stopped")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])


def test_only_caddy_can_be_reached() -> None:
    """Only the ports of the web are published, and chatr trusts the address that Caddy always has."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    address = SERVICES["caddy"]["networks"]["room"]["ipv4_address"]
    (network,) = COMPOSE["networks"]["room"]["ipam"]["config"]

    assert published == {"caddy": ["80:80", "443:443", "443:443/udp"]}
    assert SERVICES["chatr"]["environment"]["CHATR_TRUSTED_PROXIES"] == f"{address}/32"
    assert ip_address(address) in ip_network(network["subnet"])
    assert ip_address(address) not in ip_network(network["ip_range"])
    assert "backup" not in (name for name, service in SERVICES.items() if service.get("network_mode") != "none")


def test_the_only_variable_is_the_domain() -> None:
    """One variable says where the room is; without it, compose ends with a sentence that names it."""
    variables = {name: filled(value, "chat.example.org") for name, value in SERVICES["chatr"]["environment"].items()}
    text = Path("compose.yaml").read_text("utf-8")

    assert load({}, variables, None).public_url == "https://chat.example.org"
    assert set(re.findall(r"\$\{(\w+)", text)) == {"CHATR_DOMAIN"}
    assert "${CHATR_DOMAIN:?" in text


def test_the_backup_is_a_command() -> None:
    """The arguments of the backup are ones that `chatr backup` takes."""
    arguments = SERVICES["backup"]["command"]
    options = build_parser(arguments).parse_args(arguments)

    assert options.command == "backup"
    assert str(options.file).startswith(SERVICES["backup"]["volumes"][0].partition(":")[2])


def test_volumes_and_files_exist() -> None:
    """Every volume is declared, and every file of the checkout that is mounted is there."""
    mounted = [each.split(":")[0] for service in SERVICES.values() for each in service.get("volumes", ())]
    files = [each for each in mounted if each.startswith(".")]

    assert set(mounted) - set(files) == set(COMPOSE["volumes"])
    assert [each for each in (*files, SERVICES["chatr"]["build"]["dockerfile"]) if not Path(each).is_file()] == []


@contextmanager
def caddy(folder: Path, node: str) -> Iterator[str]:
    """Run Caddy in front of the node at host and port `node`, and yield its URL."""
    site = f"http://127.0.0.1:{free_port()}"
    command = [program("caddy"), "start", "--config", str(CADDYFILE), "--pidfile", str(folder / "pid")]
    variables = {"CHATR_SITE": site, "CHATR_NODE": node, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    start_in_background(command, {**os.environ, **variables}, folder / "caddy.log")
    try:
        yield site
    finally:
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


StartCaddy = Callable[[str], str]


@pytest.fixture
def start_caddy(tmp_path: Path) -> Iterator[StartCaddy]:
    """Starts Caddy in front of a node, and returns its URL."""
    with ExitStack() as stack:
        yield lambda node: stack.enter_context(caddy(tmp_path, node))


@pytest.fixture
async def node(open_room: OpenRoom) -> str:
    """Host and port of a room that trusts the proxy and limits the requests of a client address."""
    proxies, rate = (ip_network("127.0.0.1"),), Limit(REQUESTS, MINUTE)
    room = await open_room(trusted_proxies=proxies, rate_requests=rate, rate_unverified=NO_RATE_LIMIT)
    return urlsplit(room.running.url).netloc


async def test_caddy_passes_frames_on_at_once(start_caddy: StartCaddy, node: str) -> None:
    """The stream is neither held back nor compressed, also for a client that would accept that."""
    headers = {"Accept-Encoding": "gzip, zstd"}
    async with client(start_caddy(node)) as http, http.get("/api/stream", headers=headers) as stream:
        watch = frames(stream)
        first_frames = [(await anext(watch)).kind for _ in range(2)]
        key = await new_key(http)
        async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
            message = (await reply.json())["message"]
        async with asyncio.timeout(TIMEOUT):
            frame = await anext(watch)

    assert (first_frames, frame.data) == (["history", "stats"], message)
    assert "Content-Encoding" not in stream.headers


async def test_clients_of_caddy_cannot_choose_their_address(start_caddy: StartCaddy, node: str) -> None:
    """Each client address has its own limit, whatever X-Forwarded-For its client sends."""
    url = start_caddy(node)
    headers = {"X-Forwarded-For": "192.0.2.1"}
    counts = [await statuses(url, number, REQUESTS // 2 + 1, **headers) for number in (2, 2, 3)]

    assert counts[0] + counts[1] == Counter({200: REQUESTS, 429: 2})
    assert counts[2] == Counter({200: REQUESTS // 2 + 1})


async def test_caddy_without_a_node_responds_in_json(start_caddy: StartCaddy) -> None:
    """The response is a 503 in the form of the room's own errors."""
    async with client(start_caddy(f"127.0.0.1:{free_port()}")) as http, http.get("/api/messages") as reply:
        body = await reply.json()

    assert (reply.status, body["success"], body["code"]) == (503, False, "outcome_unknown")
    assert reply.headers["Retry-After"] == str(body["retryAfter"])


def test_caddy_accepts_the_domain() -> None:
    """With a domain as compose.yaml gives it, the configuration is one that Caddy takes, with TLS on port 443."""
    environ = {
        **os.environ,
        **{name: filled(value, "chat.example.org") for name, value in SERVICES["caddy"]["environment"].items()},
    }
    command = [program("caddy"), "adapt", "--config", str(CADDYFILE)]
    adapted = subprocess.run(command, env=environ, capture_output=True, check=False, text=True)

    assert adapted.returncode == 0, adapted.stderr
    assert '"listen":[":443"]' in adapted.stdout
    assert '"host":["chat.example.org"]' in adapted.stdout
