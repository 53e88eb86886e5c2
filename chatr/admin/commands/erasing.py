"""Commands that erase the texts of messages: of some, or of all that an agent posted."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any, Final

from chatr.admin.commands.messages import checked_positions, is_message_of, listed
from chatr.admin.operator import Operator, RequestRefused
from chatr.admin.replies import Counts, Notice, Progress
from chatr.admin.requests import EraseMessages, EraseMessagesOf
from chatr.node.erasing_commands import erasing_commands, is_erased
from chatr.past.replay import batches
from chatr.ports import Rewritable

REPLY_INTERVAL: Final = 1.0
"""Seconds between replies while a command waits, so that a client notices a node that hangs."""
TEXTS_ERASED: Final = (
    "The texts are gone from the log and from the files of this node. Backups, replicas and archives from before still "
    "hold them: delete those, too (docs/erasure.md)."
)
BYTES_LEFT_IN_TABLE: Final = (
    "No query returns the texts any longer. Their bytes stay in the files of the database until its table is written "
    "anew: repeat the command with --rewrite. Its WAL, replicas, backups and archives hold them, too (docs/erasure.md)."
)
ALTERED_ADVICE: Final = "Run chatr audit, and hide them with chatr admin remove."
ErasureReply = Progress | Notice | Counts


async def erase(operator: Operator, request: EraseMessages) -> AsyncGenerator[ErasureReply]:
    """Erase messages. None of them if one is no message."""
    positions = checked_positions(operator, request.ids)
    async for reply in erase_all(operator, None, sorted(positions), request):
        yield reply


async def erase_of(operator: Operator, request: EraseMessagesOf) -> AsyncGenerator[ErasureReply]:
    """Erase all messages of an agent, up to the present end of the log."""
    agent, end = operator.agent_named(request.agent), operator.room.position
    positions: list[int] = []
    async for batch in batches(operator.admin_node.log, until=end):
        positions += [each.position for each in batch if is_message_of(operator, agent.id, each)]
        yield Progress(batch[-1].position, end, 0)
        # A log in memory is read without a pause.
        await asyncio.sleep(0)
    async for reply in erase_all(operator, agent.name, positions, request):
        yield reply


async def erase_all(
    operator: Operator, agent: str | None, positions: Sequence[int], request: EraseMessages | EraseMessagesOf
) -> AsyncGenerator[ErasureReply]:
    """Append the erasing records, and wait until no copy of the texts is left here.

    Raises RequestRefused at the end if some records were altered: an altered record must not prevent the erasure of the
    others.
    """
    log, clock = operator.admin_node.log, operator.admin_node.clock
    context, erased_now = operator.room.rule_context, 0
    # So that a command that was interrupted can be repeated.
    to_erase = [position for position in positions if not is_erased(context, position)]
    altered: list[int] = []
    reached = operator.progress(0, len(to_erase), 0)
    async for command in erasing_commands(log, to_erase, request.reason, operator.by, clock, altered.append):
        decided = await operator.decide(command)
        # Another operator may have erased the same meanwhile.
        erased_now += 0 if decided.already else len(command.records)
        reached = operator.progress(erased_now, len(to_erase), erased_now)
        yield reached
    still_altered = await not_erased_meanwhile(operator, altered)
    found = len(positions) - len(still_altered)
    yield Counts(
        type="records-erased",
        agent=agent,
        dry_run=operator.dry_run,
        found=found,
        changed=erased_now,
        already=found - erased_now,
        erased=0,
    )
    if found and not operator.dry_run:
        async for reply in leave_no_copy(operator, reached, rewrite=request.rewrite):
            yield reply
    if still_altered:
        raise RequestRefused(
            "log_altered",
            f"These messages were altered in the log and are not erased: {listed(still_altered)}. {ALTERED_ADVICE}",
        )


async def not_erased_meanwhile(operator: Operator, altered: Sequence[int]) -> Sequence[int]:
    """The altered records without those that another operator has erased meanwhile: an erased record looks altered."""
    if altered:
        await operator.admin_node.node.follower.catch_up()
    return [position for position in altered if not is_erased(operator.room.rule_context, position)]


async def leave_no_copy(operator: Operator, reached: Progress, *, rewrite: bool) -> AsyncGenerator[ErasureReply]:
    """Wait until the node has carried out all erasures, and repeat the progress `reached` meanwhile.

    With `rewrite` the log is then written anew if its store can do that.
    """
    erasing, log, sentences = operator.admin_node.erasing, operator.admin_node.log, asyncio.Queue[str]()
    async for reply in while_running(erasing.wait_until_clean(sentences.put_nowait), sentences, reached):
        yield reply
    if rewrite and isinstance(log, Rewritable):
        yield Notice("The table is being written anew. Posts and older pages wait until it is done.")
        async for reply in while_running(log.rewrite(), sentences, reached):
            yield reply
    yield Notice(BYTES_LEFT_IN_TABLE if isinstance(log, Rewritable) and not rewrite else TEXTS_ERASED)


async def while_running(
    work: Coroutine[Any, Any, None], sentences: asyncio.Queue[str], reached: Progress
) -> AsyncGenerator[Progress | Notice]:
    """Yield each different sentence once, as a notice, until the work is done. Raises what `work` raises.

    If there is none for REPLY_INTERVAL, `reached` is yielded again: the client notices that the node does not hang, and
    its progress bar and its number of changes stay as they are.
    """
    shown, task = set[str](), asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=REPLY_INTERVAL)
            # The log and each file report their obstacles anew at each attempt, many times a second.
            reported = dict.fromkeys(sentences.get_nowait() for _ in range(sentences.qsize()))
            new = [sentence for sentence in reported if sentence not in shown]
            shown.update(new)
            for sentence in new:
                yield Notice(sentence)
            if not new:
                yield reached
        await task
    finally:
        # If the client has disconnected, nobody waits any longer. The node goes on with its erasures by itself.
        task.cancel()
