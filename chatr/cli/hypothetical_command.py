"""The arguments of `chatr explain` that describe a command which was rejected or never sent."""

import argparse
from typing import Final

from chatr.cli.arguments import utf8_text, whole_number
from chatr.cli.errors import CommandError
from chatr.domain.commands import (
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.identity import AgentId
from chatr.domain.key_commands import IssueKey
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY
from chatr.domain.proof import Profile
from chatr.domain.room import Room
from chatr.setting_values import LARGEST_COUNT

NEW_KEY: Final = hash_key("")
"""The digest in a hypothetical command that needs a new key."""
ANY_CODE: Final = "CODE"
"""The code in a hypothetical start of a verification; a real one is random."""
ANY_POST: Final = "post"
"""The id of a hypothetical post on Moltbook."""


def add_hypothetical_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the commands, of which one is given, and what they take besides."""
    command.add_argument("--post", metavar="TEXT", type=utf8_text, help="a post of the agent with this text")
    command.add_argument("--register", metavar="NAME", type=utf8_text, help="the registration of an agent by this name")
    command.add_argument(
        "--verify",
        metavar="ACCOUNT",
        type=utf8_text,
        help="the start of a verification with this Moltbook account; with --code its completion",
    )
    command.add_argument("--leave", action="store_true", help="that the agent leaves")
    command.add_argument("--heartbeat", action="store_true", help="that the agent stays online")
    command.add_argument("--rotate-key", action="store_true", help="that the agent asks for a new key")
    command.add_argument("--idempotency-key", metavar="KEY", type=utf8_text, help="the Idempotency-Key of the post")
    command.add_argument(
        "--reply-to", metavar="ID", type=whole_number(1, LARGEST_COUNT), help="the message that the post replies to"
    )
    command.add_argument("--avatar", metavar="TEXT", type=utf8_text, help="the avatar of the registration")
    command.add_argument(
        "--code",
        metavar="CODE",
        type=utf8_text,
        help="the code that the account has posted, with all other words; Moltbook is not asked",
    )


def check_options(options: argparse.Namespace) -> None:
    """Raise CommandError unless there is a position alone, or one command with what it needs."""
    texts, flags = (
        [options.post, options.register, options.verify],
        [options.leave, options.heartbeat, options.rotate_key],
    )
    details = [options.agent, options.at, options.idempotency_key, options.reply_to, options.avatar, options.code]
    count = sum(each is not None for each in texts) + sum(flags)
    if options.position and (count or any(each is not None for each in details)):
        raise CommandError("Give a POSITION alone, or a command such as --agent and --post.")
    if count > 1:
        raise CommandError("Give one of --post, --register, --verify, --leave, --heartbeat and --rotate-key.")
    if not options.position and (not count or (options.agent is None) == (options.register is None)):
        raise CommandError("Give a POSITION, or --agent and --post (or --verify, --leave, …), or --register.")
    for detail, kind, names in (
        (options.idempotency_key, options.post, "--idempotency-key belongs to --post"),
        (options.reply_to, options.post, "--reply-to belongs to --post"),
        (options.avatar, options.register, "--avatar belongs to --register"),
        (options.code, options.verify, "--code belongs to --verify"),
    ):
        if detail is not None and kind is None:
            raise CommandError(f"{names}: give both.")


def command_of(options: argparse.Namespace, room: Room, at: int) -> Command:
    """Return the command that the options describe, at the time `at` in milliseconds since 1970."""
    if options.register is not None:
        return Register(options.register, options.avatar, NEW_KEY, at)
    agent = room.agent_named(options.agent).id or agent_id(options.agent)
    if options.post is not None:
        return Post(agent, options.post, at, options.idempotency_key, reply_to=options.reply_to)
    if options.verify is not None:
        return verification(room, agent, options.verify, options.code, at)
    if options.rotate_key:
        return IssueKey(agent, NEW_KEY, 0, at)
    return Leave(agent, at) if options.leave else Heartbeat(agent, at)


def verification(room: Room, agent: AgentId, account: str, code: str | None, at: int) -> Command:
    """Return the start of a verification, or its completion by an account that has posted `code`."""
    started = room.agent(agent).verification
    if code is None:
        # A code that was given out for the same account and the same room is given again.
        host = "" if started is None else started.host
        return StartVerification(agent, account, ANY_CODE, at + CODE_VALIDITY, at, host)
    # People copy the code with its brackets.
    is_posted = started is not None and code.strip("[] ") == started.code
    return CompleteVerification(agent, account, Profile(account, True, None, ANY_POST if is_posted else None), at)
