"""Hosts rooms as docs/operating.md says: as a service, in containers, and as two nodes on PostgreSQL."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

from tests.deploy.containerfile import argument_of
from tests.deploy.hosted_room import HostedRoom, variables_in
from tests.deploy.operating_page import STEPS
from tests.deploy.test_compose import CADDYFILE, SERVICES, filled
from tests.deploy.tls_caddy import caddy_with_tls
from tests.postgres import Postgres, binaries
from tests.reverse_proxies import EXAMPLES, NODES, free_port, program

LIMITS: Final = {"CHATR_RATE_UNVERIFIED": "1000/1", "CHATR_RATE_REGISTRATIONS": "1000/1"}
"""All agents of a test have one address, and do not wait for minutes between two messages."""
DATABASE: Final = "postgresql://chatr:PASSWORD@db.example.org/chatr"
SUDO: Final = """\
#!/bin/sh
# All belongs to the user of the test. Like sudo, it knows nothing of the operator's alias, which is first in PATH.
[ "$1" != -u ] || shift 2
PATH=${PATH#*:} exec "$@"
"""
DOCKER: Final = """\
#!/bin/sh
# Runs "docker compose exec SERVICE …" and "docker compose run --rm --entrypoint sh SERVICE …" in the volume.
case $2 in
    exec) shift 3 ;;
    run) shift 6; set -- sh "$@" ;;
esac
cd VOLUME && exec env VARIABLES "$@"
"""
CHATR: Final = f"""\
#!/bin/sh
exec env PYTHONPATH={Path.cwd()} {sys.executable} -m chatr "$@"
"""
FOLDERS: Final = ("alias", "bin", "image", "opt", "etc", "systemd", "state", "backups", "caddy")


def write_script(path: Path, text: str) -> None:
    """Write a file that can be run."""
    path.write_text(text)
    path.chmod(0o755)


def places_in(folder: Path) -> dict[str, str]:
    """Return a place of the test for each file and address of the page."""
    site = f"localhost:{free_port()}"
    return {
        "/opt/chatr/bin/chatr": f"{folder}/opt/chatr",
        "/usr/local/bin/chatr": f"{folder}/bin/chatr",
        "/etc/chatr.env": f"{folder}/etc/chatr.env",
        "/etc/cron.d/chatr": f"{folder}/etc/cron",
        "/etc/caddy/Caddyfile": f"{folder}/caddy/Caddyfile",
        "/etc/systemd/system/": f"{folder}/systemd/",
        "/var/lib/chatr": f"{folder}/state",
        "/var/backups/chatr": f"{folder}/backups",
        "https://chat.example.org": f"https://{site}",
        "chat.example.org": site,
        "127.0.0.1:8080": f"127.0.0.1:{free_port()}",
        "127.0.0.1:9464": f"127.0.0.1:{free_port()}",
    }


def new_room(folder: Path, kind: str) -> HostedRoom:
    """Return a room that does not run yet; `kind` is the first word of the alias on the page: sudo or docker."""
    for name in FOLDERS:
        (folder / name).mkdir()
    places = places_in(folder)
    (alias,) = (each.command for each in STEPS if each.command.startswith(f"alias chatr='{kind} "))
    write_script(folder / "alias/chatr", f'#!/bin/sh\nexec {alias.partition("=")[2].strip(chr(39))} "$@"\n')
    write_script(folder / "bin/sudo", SUDO)
    write_script(folder / "opt/chatr", CHATR)
    write_script(folder / "image/chatr", CHATR)
    program("curl")
    own = {"CHATR_PORT": places["127.0.0.1:8080"].rpartition(":")[2], **LIMITS}
    certificate = str(folder / "caddy/caddy/pki/authorities/local/root.crt")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CHATR_")},
        "PATH": f"{folder}/alias:{folder}/bin:{os.environ['PATH']}",
        "PYTHONPATH": str(Path.cwd()),
        "CHATR_PORT": own["CHATR_PORT"],
        "CURL_CA_BUNDLE": certificate,
        "SSL_CERT_FILE": certificate,
    }
    return HostedRoom(folder, places, environ, service_command, service_variables, ("docker", "psql"), [own])


def setting_of_unit(room: HostedRoom, name: str) -> str:
    """Return the value of a setting in the unit that was installed."""
    unit = (room.folder / "systemd/chatr.service").read_text("utf-8")
    (value,) = re.findall(f"^{name}=(.*)$", unit, re.MULTILINE)
    return str(value)


def service_command(room: HostedRoom) -> list[str]:
    """Return the command line of the unit."""
    return shlex.split(setting_of_unit(room, "ExecStart"))


def container_command(_room: HostedRoom) -> list[str]:
    """Return the command line of the image."""
    return [*json.loads(argument_of("ENTRYPOINT")), *json.loads(argument_of("CMD"))]


def service_variables(room: HostedRoom) -> dict[str, str]:
    """Return the variables that the unit gives to the server."""
    given = variables_in(setting_of_unit(room, "Environment"))
    return given | variables_in(Path(room.places["/etc/chatr.env"]).read_text("utf-8"))


def container_variables(room: HostedRoom) -> dict[str, str]:
    """Return the variables that the image and compose.yaml give to the server, with this machine's addresses."""
    composed = {
        name: filled(value, room.fill("chat.example.org")) for name, value in SERVICES["chatr"]["environment"].items()
    }
    image = variables_in(room.fill(argument_of("ENV")))
    here = {
        "CHATR_HOST": "127.0.0.1",
        "CHATR_TRUSTED_PROXIES": "127.0.0.1/32",
        "CHATR_METRICS": room.fill("127.0.0.1:9464"),
    }
    return image | composed | here | {"PATH": f"{room.folder}/image:{os.environ['PATH']}"}


@contextmanager
def service(folder: Path) -> Iterator[HostedRoom]:
    """Host a room as a service behind Caddy, by the sections of the page."""
    room = new_room(folder, "sudo")
    try:
        room.follow("As a service")
        room.follow("With Caddy")
        with caddy_with_tls(room, (folder / "caddy/Caddyfile").read_text("utf-8"), {}):
            yield room
    finally:
        room.kill()


@contextmanager
def containers(folder: Path) -> Iterator[HostedRoom]:
    """Host a room with what the image and compose.yaml say, in plain processes."""
    room = new_room(folder, "docker")
    room.serve_command, room.serve_variables = container_command, container_variables
    room.elsewhere = ("sudo", "echo '@hourly", "psql")
    given = {**container_variables(room), **room.own[0]}
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
    write_script(folder / "bin/docker", DOCKER.replace("VOLUME", str(room.state)).replace("VARIABLES", variables))
    proxied = {"CHATR_SITE": room.places["chat.example.org"], "CHATR_NODE": room.places["127.0.0.1:8080"]}
    try:
        room.follow("In containers")
        with regular_backups(room), caddy_with_tls(room, CADDYFILE.read_text("utf-8"), proxied):
            yield room
    finally:
        room.kill()


@contextmanager
def regular_backups(room: HostedRoom) -> Iterator[None]:
    """Run the service `backup` of compose.yaml, from its first backup on."""
    command = [sys.executable, "-m", "chatr", *map(room.fill, SERVICES["backup"]["command"])]
    environ = {**room.environ, **container_variables(room)}
    with subprocess.Popen(command, env=environ, cwd=room.state, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            next(line for line in process.stderr if "backed_up" in line)
            yield
        finally:
            process.kill()


def post_at_the_node(room: HostedRoom, content: str) -> None:
    """Register an agent and post its first message, without a proxy."""
    body, headers = json.dumps({"name": "Pioneer"}).encode(), {"Content-Type": "application/json"}
    api = f"http://{room.places['127.0.0.1:8080']}/api"
    with urlopen(Request(f"{api}/register", body, headers)) as reply:
        key = json.load(reply)["agent"]["apiKey"]
    urlopen(Request(f"{api}/messages", json.dumps({"content": content}).encode(), headers | {"X-API-Key": key})).close()


@contextmanager
def two_nodes(folder: Path) -> Iterator[HostedRoom]:
    """Host a room as a service, move it to PostgreSQL, and add a node."""
    # A server of its own, with settings with which the page would not warn.
    postgres = Postgres()
    room = new_room(folder, "sudo")
    room.places[DATABASE] = postgres.url("chatr", user="chatr")
    room.environ |= {"PGHOST": str(postgres.folder), "PGUSER": "postgres"}
    room.environ["PATH"] += f":{binaries()}"
    room.elsewhere = ("docker", "echo '@hourly", "sudo chatr backup")
    try:
        room.follow("As a service")
        post_at_the_node(room, "Hello on SQLite")
        room.follow("Move the room to PostgreSQL")
        ports = [room.own[0]["CHATR_PORT"], str(free_port())]
        room.stop()
        room.own = [room.own[0], {**room.own[0], "CHATR_PORT": ports[1], "CHATR_METRICS": f"127.0.0.1:{free_port()}"}]
        room.start()
        example = NODES.sub(
            lambda node: f"127.0.0.1:{ports[int(node[1]) % 2]}", (EXAMPLES / "Caddyfile").read_text("utf-8")
        )
        with caddy_with_tls(room, room.fill(example), {}):
            yield room
    finally:
        room.kill()
        postgres.close()
