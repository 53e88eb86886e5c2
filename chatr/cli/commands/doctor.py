"""chatr doctor: checks settings, log, disk, server and proxy, and says what to mend."""

import argparse
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from attrs import define

from chatr.adapters.stores.sqlite.files import stat_or_none
from chatr.adapters.stores.urls import open_reader, sqlite_file
from chatr.adapters.system import SystemClock
from chatr.cli.arguments import add_json_option, describe
from chatr.cli.commands.audit import server_address
from chatr.cli.doctor.check import Check, Status, problem
from chatr.cli.doctor.disk import check_file_system, check_names
from chatr.cli.doctor.environment import check_config_file, check_variables
from chatr.cli.doctor.extras import check_extras, is_installed
from chatr.cli.doctor.log_content import OPENS, check_log
from chatr.cli.doctor.log_files import check_file_rights
from chatr.cli.doctor.proxy import check_proxy
from chatr.cli.doctor.room import ANSWERS, check_room
from chatr.cli.doctor.settings import NAME as SETTINGS
from chatr.cli.doctor.settings import check_settings
from chatr.cli.output.columns import hanging_rows, terminal_width
from chatr.cli.output.progress import print_above_bar
from chatr.cli.output.tables import json_text
from chatr.cli.output.text import printable
from chatr.ports import CannotOpenLog, LogUnavailable
from chatr.secret import hide_secrets
from chatr.settings import BadSetting, Settings
from chatr.settings_loading import load

WIDTH: Final = max(map(len, Status))


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr doctor`."""
    describe(
        command,
        "Check settings, log, disk, running server and proxy, and print a line for each check with what to do. "
        "Settings are taken from the variables of chatr serve and --config. The server may be running. Exit with 1 if "
        "there is a problem. To check a proxy, more requests are sent than one address may, so that the room "
        "refuses those of this machine for up to a minute.",
        "",
        "--config /etc/chatr.toml",
        "--log sqlite:////var/lib/chatr/chatr.db --url https://chat.example.org",
    )
    command.add_argument("--config", type=Path, metavar="FILE.toml", help="the server's configuration file")
    command.add_argument("--log", metavar="URL|FILE", help="a log's URL, or an exported file (default: as chatr serve)")
    command.add_argument(
        "--url",
        metavar="URL",
        type=server_address,
        help="address of the room (default: its public URL, or this machine)",
    )
    add_json_option(command, "print one JSON object per line")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print what each check found. Return 1 if there is a problem."""
    report = Report(options.json)
    try:
        settings = load({"log": options.log}, os.environ, options.config)
    except BadSetting as error:
        report.add(problem(SETTINGS, str(error), "Correct it: the server does not start."))
        settings = Settings(log=options.log or Settings().log)
    if options.config:
        with suppress(BadSetting, OSError):  # reported above
            for check in check_config_file(options.config):
                report.add(check)
    for check in (
        *check_variables(os.environ, settings.port),
        *check_settings(settings),
        *check_extras(settings.log.reveal()),
    ):
        report.add(check)
    await report_log(report, settings.log.reveal())
    await report_room(report, settings, options.url)
    return 1 if report.problems else 0


@define
class Report:
    """Prints results as they come, as lines or as JSON, and counts the problems."""

    json: bool
    problems: int = 0

    def add(self, check: Check) -> None:
        """Print the result above the progress bar."""
        self.problems += check.status == Status.PROBLEM
        for row in [json_line(check)] if self.json else rows(check):
            print_above_bar(row)

    async def add_all(self, checks: AsyncGenerator[Check, None]) -> list[Check]:
        """Print the results as they come, and return them."""
        added = []
        # Closed at once if printing is interrupted, because a check holds its log or connection while it yields.
        async with aclosing(checks):
            async for check in checks:
                self.add(check)
                added.append(check)
        return added


def rows(check: Check) -> Iterator[str]:
    """Yield a check as text: one row, on a terminal as many as it takes."""
    text = f"{check.name}: {hide_secrets(check.found)} {hide_secrets(check.remedy)}".rstrip()
    return hanging_rows(f"{check.status:{WIDTH}}  ", printable(text), terminal_width())


def json_line(check: Check) -> str:
    """Return a check as JSON."""
    found, remedy = hide_secrets(check.found), hide_secrets(check.remedy)
    return json_text({"check": check.name, "status": check.status, "found": found, "remedy": remedy})


async def report_log(report: Report, url: str) -> None:
    """Check the log at `url`, and its files."""
    if url.startswith("memory:"):
        return
    try:
        path = sqlite_file(url)
    except CannotOpenLog as error:
        report.add(problem(OPENS, str(error), "Correct the setting log."))
        return
    if path and stat_or_none(path):
        for check in (*check_file_rights(path), *check_names(path), *check_file_system(path)):
            report.add(check)
    if url.startswith(("postgresql:", "postgres:")) and is_installed("psycopg"):
        # Imported only here, because psycopg is an optional dependency.
        await report.add_all(import_module("chatr.cli.doctor.postgres").check_postgres(url))
    await report.add_all(check_log(url, SystemClock().now()))


async def report_room(report: Report, settings: Settings, url: str | None) -> None:
    """Check the server at `url`, or the one on this machine, and the proxy in front of it."""
    direct = direct_address(settings)
    checks: list[Check] = []
    if address := url or direct:
        checks = await report.add_all(
            check_room(address, await log_id(settings.log.reveal()), must_run=url is not None)
        )
    public = url or settings.public_url
    if public and public != direct and answers(checks):
        await report.add_all(check_proxy(public, direct, settings.rate_requests))


def answers(checks: list[Check]) -> bool:
    """Return whether there is a server at all."""
    return any(check.name == ANSWERS and check.status in (Status.OK, Status.WARNING) for check in checks)


def direct_address(settings: Settings) -> str | None:
    """Return the address at which a server with these settings can be asked on its own machine."""
    host = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 -- read, not bound to
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}" if settings.port else None


async def log_id(url: str) -> str | None:
    """Return the id of the log's first record, None if the log is empty or cannot be read."""
    with suppress(CannotOpenLog, LogUnavailable):
        async with open_reader(url) as log:
            return next((first.id for first in await log.read(0, 1)), None)
    return None
