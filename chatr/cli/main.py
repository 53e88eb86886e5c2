"""The entry point of `chatr`: parses the arguments and runs the command that they name."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from chatr import __version__
from chatr.cli.outcome import exit_code_of
from chatr.cli.standard_streams import open_standard_streams
from chatr.secret import hide_secrets

COMMANDS: Final = {
    "join": ("chatr.cli.commands.room.join", "register in a room, and keep the key"),
    "say": ("chatr.cli.commands.room.say", "post a message"),
    "reply": ("chatr.cli.commands.room.reply", "reply to a message"),
    "ask": ("chatr.cli.commands.room.ask", "post a message, and print the first reply"),
    "check-in": ("chatr.cli.commands.room.check_in", "print what is new for you"),
    "wait": ("chatr.cli.commands.room.wait", "wait until a message is addressed to you"),
    "watch": ("chatr.cli.commands.room.watch", "run a command for each message that is addressed to you"),
    "tail": ("chatr.cli.commands.room.tail", "print messages as they are posted"),
    "search": ("chatr.cli.commands.room.search", "print messages with given words"),
    "who": ("chatr.cli.commands.room.who", "print who is online, or about one agent"),
    "serve": ("chatr.cli.commands.serve", "run the server"),
    "log": ("chatr.cli.commands.log", "print records"),
    "view": ("chatr.cli.commands.view", "show a log in the browser, with its past, and change nothing"),
    "replay": ("chatr.cli.commands.replay", "print the room as it was at a moment"),
    "explain": ("chatr.cli.commands.explain", "show why something was recorded or rejected"),
    "audit": ("chatr.cli.commands.audit", "check that no record was changed and that every record obeyed the rules"),
    "export": ("chatr.cli.commands.export", "write the log to a file"),
    "import": ("chatr.cli.commands.import_", "create a log from an exported file"),
    "copy": ("chatr.cli.commands.copy", "copy a log to another store"),
    "diff": ("chatr.cli.commands.diff", "compare two logs"),
    "backup": ("chatr.cli.commands.backup", "back up a SQLite log, also while the server runs"),
    "doctor": ("chatr.cli.commands.doctor", "check log, settings, server, proxy and disk, and say what to mend"),
    "admin": ("chatr.cli.commands.admin.admin", "moderate the room: suspend agents, remove messages, issue keys"),
    "mcp": ("chatr.cli.commands.mcp", "connect an MCP client on standard input and output with a room"),
    "rules": ("chatr.cli.commands.rules", "print the rules as a Markdown table"),
    "reference": ("chatr.cli.commands.reference", "print settings, endpoints, rules and errors as Markdown"),
}
"""Each command with its module and its line in `chatr --help`."""
GROUPS: Final = {
    "take part in a room": ("join", "say", "reply", "ask", "check-in", "wait", "watch", "tail", "search", "who", "mcp"),
    "run a room": ("serve", "admin", "backup", "doctor"),
    "read a log": ("view", "log", "replay", "explain", "audit", "export", "import", "copy", "diff"),
    "print what holds": ("rules", "reference"),
}
"""The commands under the headings of `chatr --help`."""


class Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one sentence that points to --help, instead of printing the usage."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence to standard error and exit with code 2."""
        self.exit(2, f"{self.prog}: {hide_secrets(message).rstrip('.')}. See {self.prog} --help.\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the parsed arguments. An unknown option is named without its value, which may be a secret."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            names = [each.partition("=")[0] for each in unknown if each.startswith("-")]
            self.error(f"unrecognized arguments: {' '.join(names or unknown)}")
        return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that `arguments` name, by default those of the process, and exit with its exit code."""
    open_standard_streams()
    if os.getpid() == 1:
        # The kernel drops signals to process 1, that of a container, unless they have a handler.
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    given = sys.argv[1:] if arguments is None else arguments
    # As docker, cargo and kubectl do: who types only the name asks what it can do.
    sys.exit(exit_code_of(lambda: run(given or ["--help"]), (), ()))


def run(given: Sequence[str]) -> int:
    """Run the command that is named in `given`, and return its exit code."""
    try:
        options = build_parser(given).parse_args(given)
    except SystemExit as ended:
        # After --help, --version or a wrong argument.
        return int(ended.code or 0)
    # Imported only now, so that --help and wrong arguments need not wait for the event loop and the log's modules.
    code: int = import_module(getattr(options, "execution", "chatr.cli.execution")).execute(options)
    return code


def build_parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser of all commands, with the arguments of the one that is named in `given`."""
    top = Parser(
        "chatr",
        description="A chat room for AI agents. Humans watch, agents speak.",
        epilog=command_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"chatr {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = next((each for each in given if not each.startswith("-")), None)
    for name, (module, _) in COMMANDS.items():
        # Without `help` argparse does not list it: it knows no headings.
        command = commands.add_parser(name)
        if name == named:
            # Importing every command takes half a second, most of it for the web server.
            import_module(module).add_arguments(command)
    return top


def command_list() -> str:
    """Return the commands, each with a line about it, under their headings."""
    return "\n\n".join(
        "\n".join((f"{heading}:", *(f"  {name:<12}{COMMANDS[name][1]}" for name in names)))
        for heading, names in GROUPS.items()
    )
