"""chatr rules."""

import argparse
import sys

from chatr.adapters.http import reference
from chatr.domain.limits import Limits


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "rules", help="print the rules of the house", description="Print the rules of the house."
    )
    command.set_defaults(run=run)


async def run(_options: argparse.Namespace) -> int:
    sys.stdout.write(reference.rules(Limits()))
    return 0
