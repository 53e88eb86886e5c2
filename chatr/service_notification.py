"""Tells systemd how the service is doing, by datagrams to the socket that it names in NOTIFY_SOCKET (sd_notify).

Without systemd there is no such variable, and nothing is sent.
"""

import asyncio
import os
import socket
from typing import Final

MICROSECONDS: Final = 1_000_000
START_EXTENSION: Final = 30
"""Seconds for which systemd goes on waiting for a start that has just made progress."""


def notify(*assignments: str) -> bool:
    """Send assignments such as "READY=1" in one datagram; return whether systemd has received it.

    Nothing is raised: a service must not fail because its supervisor does not listen.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    # A leading @ stands for the zero byte that begins the name of a socket in the abstract namespace.
    path = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)  # a supervisor that does not read must not stop the event loop
            sender.connect(path)
            sender.send("\n".join(assignments).encode())
    except (OSError, ValueError):  # ValueError: a path with a zero byte or a lone surrogate
        return False
    return True


def notify_start_progress(position: int, head: int) -> None:
    """Show how far the log has been read, and let systemd wait longer than TimeoutStartSec for the rest of it."""
    notify(
        f"STATUS=Reading the log: {position:,} of {head:,} records.",
        f"EXTEND_TIMEOUT_USEC={START_EXTENSION * MICROSECONDS}",
    )


def watchdog_interval() -> float | None:
    """Return the seconds between two signs of life, half of what systemd waits for one; None if it does not wait."""
    try:
        timeout, process = int(os.environ["WATCHDOG_USEC"]), int(os.environ.get("WATCHDOG_PID") or os.getpid())
    except (KeyError, ValueError):
        return None
    # The variables are inherited: those of another process, such as a shell that is the service, are not meant.
    return timeout / MICROSECONDS / 2 if timeout > 0 and process == os.getpid() else None


async def send_signs_of_life(*tasks: asyncio.Task[object]) -> None:
    """Send signs of life to the watchdog while none of `tasks` has ended. systemd restarts a service that sends none.

    They are sent from the event loop, so they also stop when something blocks it.
    """
    interval = watchdog_interval()
    while interval and not any(task.done() for task in tasks):
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)
