"""Caddy in front of a hosted room, as the only authority that signs its certificate."""

import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from tests.cluster.processes import TIMEOUT
from tests.deploy.hosted_room import HostedRoom
from tests.reverse_proxies import program, start_in_background

TLS: Final = """\
{
	admin off
	skip_install_trust
	auto_https disable_redirects
	default_bind 127.0.0.1
"""
"""Global options of Caddy with which it changes nothing on this machine. It makes certificates for localhost itself."""


@contextmanager
def caddy_with_tls(room: HostedRoom, config: str, variables: Mapping[str, str]) -> Iterator[None]:
    """Run Caddy with a configuration of the documents, as the only authority that signs its certificates."""
    file, folder = room.folder / "caddy/Caddyfile", room.folder / "caddy"
    file.write_text(TLS + (config.partition("admin off\n")[2] if "admin off" in config else "}\n" + config))
    command = [program("caddy"), "start", "--config", str(file), "--pidfile", str(folder / "pid")]
    environ = {**os.environ, **variables, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    start_in_background(command, environ, folder / "output")
    try:
        wait_for_certificate(room)
        yield
    finally:
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


def wait_for_certificate(room: HostedRoom) -> None:
    """Wait until Caddy has a certificate for the room, which it gets after its start. Raises the last error."""
    trusted = ssl.create_default_context(cafile=room.environ["SSL_CERT_FILE"])
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            address = ("127.0.0.1", int(room.url.rpartition(":")[2]))
            trusted.wrap_socket(socket.create_connection(address), server_hostname="localhost").close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
