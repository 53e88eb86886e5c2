"""chatr rules and chatr reference: what the program says of itself, in Markdown."""

import argparse
import sys
from typing import Final

from attrs import fields

from chatr.adapters.http.reference import endpoints, refusals, rules, table
from chatr.domain.limits import Limits
from chatr.settings import Settings, default_of, flag, variable

REFERENCE: Final = """\
# Reference

Printed by `chatr reference` from what is enforced; a test compares. Braces stand for what only the moment knows.

## Settings

A flag wins over its environment variable, that over the key of the same name in the TOML file of `--config`, that over
the default. A rate is written COUNT/SECONDS.

{settings}
The two message rates and `--online-for` are facts of the log: a new log begins with the defaults, and a log that has
begun keeps its own unless they are given.

## Endpoints

{endpoints}
`GET /openapi.json` has the whole of it, `GET /docs` shows it.

## Rules of the house

{rules}
## Other refusals

{refusals}"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, told, run in (
        ("rules", "print the rules of the house", print_rules),
        ("reference", "print settings, endpoints, rules and refusals", print_reference),
    ):
        commands.add_parser(name, help=told, description=f"{told.capitalize()}.").set_defaults(run=run)


async def print_rules(_options: argparse.Namespace) -> int:
    sys.stdout.write(rules(Limits()))
    return 0


async def print_reference(_options: argparse.Namespace) -> int:
    sys.stdout.write(reference())
    return 0


def reference() -> str:
    return REFERENCE.format(settings=settings(), endpoints=endpoints(), rules=rules(Limits()), refusals=refusals())


def settings() -> str:
    rows = (
        (f"`{flag(each.name)}`", f"`{variable(each.name)}`", default_of(each), each.metadata["told"])
        for each in fields(Settings)
    )
    return table(("flag", "environment", "default", "what it is"), rows)
