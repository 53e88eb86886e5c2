"""nginx and Caddy in front of nodes, with the configurations in examples/, and caches in front of one."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.requirements import skip_or_fail

EXAMPLES: Final = Path(__file__).parents[1] / "examples"
NODES: Final = re.compile(r"127\.0\.0\.1:808([123])")
NOT_GIVEN_OUT: Final = range(20_000, 32_000)
"""Ports below those that Linux gives to outgoing connections and to servers that ask for any."""
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


def free_port() -> int:
    """A port that nothing listens on."""
    while True:
        # Not one that the system gives out: another test's connection could take it before the server starts.
        with suppress(OSError), socket.create_server(("127.0.0.1", random.choice(NOT_GIVEN_OUT))) as listener:
            return int(listener.getsockname()[1])


def program(name: str) -> str:
    """The path of a program. The test is skipped where it is not installed."""
    return shutil.which(name) or skip_or_fail(f"{name} is not installed")


Edit = Callable[[str], str]
"""Changes an example as its comments say."""


def unchanged(example: str) -> str:
    """The example as it is: the room is at the root of its site."""
    return example


def with_ports(example: str, edit: Edit, ports: Sequence[int]) -> str:
    """The text of an example, with the ports that the nodes have."""
    text = edit((EXAMPLES / example).read_text("utf-8"))
    return NODES.sub(lambda node: f"127.0.0.1:{ports[int(node[1]) - 1]}", text)


@contextmanager
def nginx(folder: Path, port: int, ports: Sequence[int], edit: Edit = unchanged) -> Iterator[None]:
    """Run nginx as Debian starts it, in a folder of its own."""
    site = with_ports("nginx.conf", edit, ports).replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "chatr.conf").write_text(site)
    with running_nginx(folder):
        yield


@contextmanager
def running_nginx(folder: Path) -> Iterator[None]:
    """Run nginx with the site in chatr.conf."""
    user = "user root root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    command = [program("nginx"), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        subprocess.run([*command, "-s", "stop"], check=True)


@contextmanager
def caddy(folder: Path, port: int, ports: Sequence[int], edit: Edit = unchanged) -> Iterator[None]:
    """Run Caddy."""
    site = with_ports("Caddyfile", edit, ports).replace("chat.example.org {", f"http://:{port} {{\n\tbind 127.0.0.1")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    command = [program("caddy"), "start", "--config", str(folder / "Caddyfile"), "--pidfile", str(folder / "pid")]
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    start_in_background(command, environment, folder / "caddy.log")
    try:
        yield
    finally:
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


def start_in_background(command: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
    """Run a command that starts a server and ends. If it fails, the error has what both wrote to the file `output`."""
    with output.open("wb") as file:
        ended = subprocess.run(command, check=False, env=environment, stdout=file, stderr=file)
    if ended.returncode != 0:
        raise AssertionError(f"{command[0]} did not start: {output.read_text('utf-8', 'replace')}")


@contextmanager
def varnish(folder: Path, port: int, backend: int) -> Iterator[None]:
    """Run Varnish as it is installed: with its own rules, and 120 s for what does not say how long it may be stored."""
    command = [program("varnishd"), "-F", "-j", "none", "-n", str(folder / "varnish"), "-s", "malloc,16m"]
    command += ["-a", f"127.0.0.1:{port}", "-b", f"127.0.0.1:{backend}"]
    with (folder / "varnish.log").open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as run:
        try:
            yield
        finally:
            run.terminate()


CACHING_NGINX: Final = """\
proxy_cache_path {folder}/cache keys_zone=chatr:1m;
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://127.0.0.1:{backend};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_cache chatr;
        proxy_cache_valid any 2m;
        add_header X-Cache $upstream_cache_status always;
    }}
}}
"""
"""What does not say how long it may be stored is stored for as long as Varnish would."""


@contextmanager
def caching_nginx(folder: Path, port: int, backend: int) -> Iterator[None]:
    """Run nginx with a cache."""
    (folder / "chatr.conf").write_text(CACHING_NGINX.format(folder=folder, port=port, backend=backend))
    with running_nginx(folder):
        yield
