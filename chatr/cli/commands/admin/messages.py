"""The arguments of `remove`, `restore` and `erase`: ids, or an agent and a time."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence

from chatr.admin.requests import (
    MOST_MESSAGES,
    EraseMessages,
    EraseMessagesOf,
    RemoveMessages,
    RemoveMessagesOf,
    RestoreMessages,
    RestoreMessagesOf,
)
from chatr.cli.arguments import utf8_text
from chatr.cli.commands.admin.arguments import (
    INSTANT_FORM,
    INSTANT_HELP,
    add_reason,
    add_unstored_reason,
    instant,
    message_id,
)
from chatr.cli.errors import CommandError


def add_removal_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `remove`."""
    add_selection(command)
    add_reason(command)


def add_restoring_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `restore`."""
    add_selection(command)
    add_unstored_reason(command)


def add_selection(command: ArgumentParser) -> None:
    """Describe the arguments that select messages."""
    command.add_argument("ids", metavar="ID", nargs="*", type=message_id, help="id of a message")
    command.add_argument("--agent", metavar="NAME", type=utf8_text, help="all messages of this agent, with --since")
    command.add_argument(
        "--since", metavar=INSTANT_FORM, type=instant, help=f"those that were posted from then on: {INSTANT_HELP}"
    )
    command.add_argument(
        "--until", metavar=INSTANT_FORM, type=instant, help="only those that were posted before (default now)"
    )


def removal(given: Namespace) -> RemoveMessages | RemoveMessagesOf:
    """Return the request of `remove`. Raises CommandError."""
    check_selection(given)
    by, dry_run, reason = given.by, given.dry_run, given.reason
    if given.ids:
        return RemoveMessages(by=by, dry_run=dry_run, ids=tuple(given.ids), reason=reason)
    agent, since, until = given.agent, given.since, given.until
    return RemoveMessagesOf(by=by, dry_run=dry_run, agent=agent, since=since, until=until, reason=reason)


def restoring(given: Namespace) -> RestoreMessages | RestoreMessagesOf:
    """Return the request of `restore`. Raises CommandError."""
    check_selection(given)
    by, dry_run = given.by, given.dry_run
    if given.ids:
        return RestoreMessages(by=by, dry_run=dry_run, ids=tuple(given.ids))
    return RestoreMessagesOf(by=by, dry_run=dry_run, agent=given.agent, since=given.since, until=given.until)


def add_erasure_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `erase`."""
    command.add_argument("what", choices=["message", "agent"], help="whether ids follow, or the name of an agent")
    command.add_argument("targets", metavar="ID|NAME", nargs="+", type=utf8_text, help="ids of messages, or one name")
    command.add_argument(
        "--rewrite",
        action="store_true",
        help="on PostgreSQL, write the table anew after that (VACUUM FULL): posts and older pages wait meanwhile",
    )
    add_reason(command)


def erasure(given: Namespace) -> EraseMessages | EraseMessagesOf:
    """Return the request of `erase`. Raises CommandError."""
    by, dry_run, reason, rewrite = given.by, given.dry_run, given.reason, given.rewrite
    if given.what == "message":
        ids = tuple(map(id_of, given.targets))
        check_number(ids)
        return EraseMessages(by=by, dry_run=dry_run, ids=ids, reason=reason, rewrite=rewrite)
    if len(given.targets) > 1:
        raise CommandError("Give the name of one agent.")
    return EraseMessagesOf(by=by, dry_run=dry_run, agent=given.targets[0], reason=reason, rewrite=rewrite)


def id_of(text: str) -> int:
    """Return the id of a message. Raises CommandError."""
    try:
        return message_id(text)
    except ArgumentTypeError as error:
        raise CommandError(f"{error}.") from error


def check_selection(given: Namespace) -> None:
    """Raise CommandError unless there are either ids, or an agent and a time."""
    of_agent = (given.agent, given.since, given.until)
    # --since is required: if it was forgotten, everything that the agent ever wrote would be hidden.
    if of_agent != (None,) * 3 if given.ids else None in (given.agent, given.since):
        raise CommandError("Give the ids of messages, or --agent and --since.")
    check_number(given.ids)


def check_number(ids: Sequence[int]) -> None:
    """Raise CommandError for more ids than one request may name."""
    if len(ids) > MOST_MESSAGES:
        raise CommandError(f"Give at most {MOST_MESSAGES:,} ids at once.")
