"""Prints the replies to an operator's command as they come, with a bar for the progress of a long one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

from chatr.admin.replies import Change, Counts, Failed, Notice, Progress, Refused, Reply
from chatr.cli.commands.admin.sentences import lines_of
from chatr.cli.errors import CommandError
from chatr.cli.outcome import FAILED, report
from chatr.cli.output.progress import print_above_bar, progress
from chatr.cli.output.tables import json_text
from chatr.cli.output.text import counted
from chatr.past.replay import Progress as ShowPosition


async def print_replies(replies: AsyncIterator[Reply], *, as_json: bool) -> int:
    """Print the replies to a command, and return its exit code. Raises CommandError if it was refused."""
    changed = 0
    error: Refused | Failed | None = None
    with ExitStack() as stack:
        show_position: ShowPosition | None = None
        try:
            async for reply in replies:
                match reply:
                    case Progress():
                        # The first of these replies says where the work ends.
                        show_position = show_position or stack.enter_context(
                            progress("working", reply.end, reply.position)
                        )
                        show_position(reply.position)
                        changed = reply.changed
                    case Change() | Notice() | Counts():
                        print_result(reply, as_json=as_json)
                        changed += isinstance(reply, Change) and reply.record is not None
                    case Refused() | Failed():
                        # The last reply. It is printed later: a node of this process has yet to close its log.
                        error = reply
        except asyncio.CancelledError:
            report(f"Interrupted.{so_far(changed)}", FAILED)
            raise
    return print_error(error, changed, as_json=as_json) if error else 0


def print_result(reply: Change | Notice | Counts, *, as_json: bool) -> None:
    """Print the result of one decision or of several, or a notice."""
    for line in [json_text(reply)] if as_json else lines_of(reply):
        print_above_bar(line)


def print_error(reply: Refused | Failed, changed: int, *, as_json: bool) -> int:
    """Print why a command ended early, and return the exit code of a failure. Raises CommandError for a refusal."""
    # Programs read its code from standard output. The sentence goes to standard error in any case.
    if as_json:
        print_above_bar(json_text(reply))
    sentence = f"{reply.error}{so_far(changed)}"
    if isinstance(reply, Refused):
        raise CommandError(sentence)
    return report(sentence, FAILED)


def so_far(changed: int) -> str:
    """A sentence about the changes that were stored before a command ended early; empty if there were none."""
    return (
        f" Before that, at least {counted(changed, 'change')} had been stored: repeat the command to go on."
        if changed
        else ""
    )
