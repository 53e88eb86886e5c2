"""Sites that serve a room below a path: a node alone, and a node behind nginx and Caddy as in examples/."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.browser.hosted_room import HostedRoom, host_room
from tests.cli.conftest import LogFile
from tests.reverse_proxies import Edit, caddy, free_port, nginx

PATH: Final = "/chat"
Proxy = Callable[[Path, int, Sequence[int], Edit], AbstractContextManager[None]]
Site = Callable[[LogFile, Path], AbstractContextManager[HostedRoom]]
"""Serves the room of a log; the folder is for the files of a proxy. The URL of the room has the path."""


def below_nginx(example: str) -> str:
    """The example with the room below the path, which is passed on."""
    return example.replace("location / {", f"location {PATH}/ {{")


def removed_by_nginx(example: str) -> str:
    """The example with the room below the path, which nginx removes."""
    return below_nginx(example).replace("proxy_pass http://chatr;", "proxy_pass http://chatr/;")


def below_caddy(example: str) -> str:
    """The example with the room below the path, which is passed on."""
    return example.replace("# @room path", "@room path").replace("\treverse_proxy 1", "\treverse_proxy @room 1")


def removed_by_caddy(example: str) -> str:
    """The example with the room below the path, which Caddy removes."""
    redirected = example.replace("# redir", "redir")
    return re.sub(
        r"\treverse_proxy 1.*?\n\t\}\n", rf"\thandle_path {PATH}/* {{\n\g<0>\t}}\n", redirected, flags=re.DOTALL
    )


@contextmanager
def node_alone(file: LogFile, _folder: Path) -> Iterator[HostedRoom]:
    """A room whose node is asked below the path."""
    with host_room(file, public_url=f"https://example.org{PATH}") as room:
        yield HostedRoom(f"{room.url}{PATH}", room.node, room.loop, file)


@contextmanager
def behind(proxy: Proxy, edit: Edit, file: LogFile, folder: Path) -> Iterator[HostedRoom]:
    """A room below the path of a proxy."""
    port = free_port()
    url = f"http://127.0.0.1:{port}{PATH}"
    with (
        host_room(file, public_url=url, trusted_proxies=(ip_network("127.0.0.1"),)) as room,
        proxy(folder, port, [urlsplit(room.url).port or 0] * 3, edit),
    ):
        yield HostedRoom(url, room.node, room.loop, file)


BEHIND_PROXIES: Final[Mapping[str, Site]] = {
    "nginx passes the path on": partial(behind, nginx, below_nginx),
    "nginx removes the path": partial(behind, nginx, removed_by_nginx),
    "Caddy passes the path on": partial(behind, caddy, below_caddy),
    "Caddy removes the path": partial(behind, caddy, removed_by_caddy),
}
