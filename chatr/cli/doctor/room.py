"""Checks the server that is running: whether it answers, is this version, is ready, and follows this log."""

import time
from collections.abc import AsyncGenerator
from email.utils import parsedate_to_datetime
from typing import Any, Final

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from chatr import __version__
from chatr.cli.doctor.check import Check, ok, problem, skipped, warning
from chatr.cli.running_room import failure_reason, room_options

ANSWERS: Final = "server"
READY: Final = "readiness"
CLOCK: Final = "clock"
LOG: Final = "followed log"
TIMEOUT: Final = ClientTimeout(total=10)
LARGEST_SKEW: Final = 5.0
"""Seconds. The Date header has whole seconds, and the response takes its time."""
FAILURES: Final = (ClientError, TimeoutError, ValueError, TypeError, KeyError)
"""What a request may raise, also where the server there is no chatr."""


async def check_room(url: str, log_id: str | None, *, must_run: bool) -> AsyncGenerator[Check, None]:
    """Yield what is wrong with the server at `url`. `log_id` is that of the log it should follow, None if unknown.

    Where no server answers, that is a problem if it `must_run`.
    """
    async with ClientSession(f"{url}/", timeout=TIMEOUT, **room_options(url)) as session:
        try:
            async with session.get("health") as response:
                health = await response.json()
                yield check_version(url, response, health)
                yield check_clock(response)
        except FAILURES as error:
            found = f"No room answers at {url}: {failure_reason(error).rstrip('.')}."
            yield problem(ANSWERS, found, "Start it, or correct --url.") if must_run else skipped(ANSWERS, found)
            return
        try:
            yield await check_ready(session)
            yield await check_log_id(session, log_id)
        except FAILURES as error:
            yield problem(READY, f"{url} stopped answering: {failure_reason(error).rstrip('.')}.", "See its log lines.")


def check_version(url: str, response: ClientResponse, health: dict[str, Any]) -> Check:
    """Compare the version of the server with the one that is installed here. Raises KeyError."""
    if response.status != 200 or health["status"] != "ok":
        return problem(ANSWERS, f"{url}/health answers with {response.status}.", "See the log lines of the server.")
    if (version := health["version"]) != __version__:
        found = f"The room at {url} is of version {version}, and {__version__} is installed here."
        return warning(ANSWERS, found, "Restart the server after an upgrade, or ask from its own machine.")
    return ok(ANSWERS, f"The room at {url} answers, version {version}.")


def check_clock(response: ClientResponse) -> Check:
    """Compare the time of the server with that of this machine. Raises KeyError or ValueError."""
    skew = parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()
    if abs(skew) > LARGEST_SKEW:
        return warning(
            CLOCK, f"The server's clock differs by {skew:.0f} s from this machine's.", "Synchronise them (NTP)."
        )
    return ok(CLOCK, "The clocks of server and this machine agree.")


async def check_ready(session: ClientSession) -> Check:
    """Ask whether the server can append, has read its log, and has found no altered record."""
    async with session.get("ready") as response:
        body = await response.json()
    if response.status != 200:
        position, head = body.get("position"), body.get("head")
        progress = (
            f" It has read {position:,} of {head:,} records." if position is not None and head is not None else ""
        )
        return problem(
            READY, f"The server is not ready.{progress}", "Wait while it reads its log, or see its log lines."
        )
    if (altered := body.get("altered")) is not None:
        found = f"The server found that record {altered} was altered."
        return problem(READY, found, "Restore a backup; or see with chatr audit what was altered, and accept it.")
    return ok(READY, "It can append, and has read its whole log.")


async def check_log_id(session: ClientSession, log_id: str | None) -> Check:
    """Compare the log that the server follows with the one that is checked. Raises KeyError."""
    if log_id is None:
        return skipped(LOG, "The log could not be read, so it is not known whether the server follows it.")
    async with session.get("api/log/head") as response:
        followed = (await response.json()).get("logId")
    if followed is None:
        return skipped(LOG, "The server does not say which log it follows.")
    if followed != log_id:
        return problem(LOG, "The server follows another log than the one that was checked.", "Give its log with --log.")
    return ok(LOG, "The server follows the log that was checked.")
