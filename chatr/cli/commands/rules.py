"""chatr rules: prints the rules that posts and other commands must obey, as a Markdown table."""

import argparse
import sys

from chatr.adapters.http.description.reference import rules_table
from chatr.domain.limits import DEFAULT_LIMITS


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe `chatr rules`, which takes no arguments."""
    command.description = "Print the rules as a Markdown table, with the default limits."
    command.set_defaults(run=run)


async def run(_options: argparse.Namespace) -> int:
    """Print the table."""
    sys.stdout.write(rules_table(DEFAULT_LIMITS))
    return 0
