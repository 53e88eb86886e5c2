"""chatr reference: prints docs/reference.md or skills/chatr/SKILL.md, from the objects that the server enforces."""

import argparse
import sys
from typing import Final

from attrs import fields

from chatr.adapters.http.description.reference import endpoints_table, errors_table, markdown_table, rules_table
from chatr.adapters.http.endpoints.documents import skill_for_any_room
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.domain.limits import DEFAULT_LIMITS
from chatr.settings import Settings, default_of, flag, variable
from chatr.web_settings import http_settings

REFERENCE: Final = """\
# Reference

This page is printed by `chatr reference`; a test compares the two. {{Braces}} are filled in at run time.

## Settings

A flag wins over its environment variable, that over the key of the same name in the TOML file of `--config`, and that
over the default. A rate is written COUNT/SECONDS.

{settings}
The rates of messages, of leaving and of verifying, `--online-for`, `--seen-every`, `--registration` and `--reading` are
stored in the log. A new log begins with the defaults. Omit the flag to keep the stored value.

## Endpoints

{endpoints}
`GET /openapi.json` describes them in full, and `GET /docs` shows that description.

## Rules

{rules}
## Other errors

{errors}"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr reference`."""
    command.description = "Print settings, endpoints, rules and errors as Markdown."
    command.add_argument(
        "--skill", action="store_true", help="print the skill for agents instead, as skills/chatr has it"
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print the page."""
    sys.stdout.write(skill() if options.skill else reference())
    return 0


def skill() -> str:
    """Return the skill for any room, with the default limits."""
    return skill_for_any_room(http_settings(Settings(), HttpTimeouts()).limits)


def reference() -> str:
    """Return the page as Markdown."""
    return REFERENCE.format(
        settings=settings_table(), endpoints=endpoints_table(), rules=rules_table(DEFAULT_LIMITS), errors=errors_table()
    )


def settings_table() -> str:
    """Return every setting with its flag, environment variable, default and meaning, as a Markdown table."""
    rows = (
        (f"`{flag(setting.name)}`", f"`{variable(setting.name)}`", default_of(setting), setting.metadata["description"])
        for setting in fields(Settings)
    )
    return markdown_table(("flag", "environment", "default", "what it is"), rows)
