"""Mistakes that somebody might make in what operators do, and in keys. See `mutations`."""

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from chatr.adapters.http.stream.endpoint import StreamHandlers
from chatr.admin.operator import Decided, Operator, OperatorCommand
from chatr.domain.agent import Agent
from chatr.domain.agent_keys import OtherKeys
from chatr.domain.commands import Command
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import Event, Record
from chatr.domain.history import History, Message
from chatr.domain.identity import AgentId
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.removals import VisibilityChange
from chatr.domain.room import Room
from chatr.domain.rule import RuleContext
from chatr.domain.standing import Standing
from chatr.node.command_handler import CommandHandler, Handled
from chatr.node.erasing import Erasing
from chatr.past import snapshot
from chatr.past.checkpoint import Checkpoint
from chatr.past.snapshot import Snapshot
from tests.simulation.mutations import Mutation

# The real functions, which are replaced while a mutation is in effect.
handle = CommandHandler.handle
decide_for = Operator.decide


def open_until_it_is_dropped(keys: OtherKeys, digest: str, _at: int) -> bool:
    """Let replaced keys open whatever the time is: the grace never ends."""
    return digest in keys.digests


async def ignore_the_key(
    commands: CommandHandler, command: Command, _key_digest: str | None = None, made_for: Room | None = None
) -> Handled:
    """Decide a command although its key became void while it waited."""
    return await handle(commands, command, None, made_for)


def snapshot_without_other_keys(room: Room) -> Snapshot:
    """Leave pending and replaced keys out of checkpoints."""
    whole = snapshot.take_snapshot(room)
    return evolve(whole, agents=[evolve(state, other_keys=None) for state in whole.agents])


class OldStandings:
    """Decides by the standing that an agent had when it was looked at first, as with a cache that is not renewed."""

    def __init__(self) -> None:
        self._standings: dict[tuple[AgentId, int], Standing | None] = {}

    def decide(self, agent: Agent, command: Command, context: RuleContext) -> Event | AlreadyRecorded:
        """As `decide`."""
        standing = self._standings.setdefault((agent.id, agent.registered_at), agent.standing)
        return decide(evolve(agent, standing=standing), command, context)


def no_changes(_changes: Sequence[VisibilityChange], _sent_until: int) -> list[bytes]:
    """Do not repeat what was removed since the id from which a client resumes."""
    return []


def shows_text(_history: History, message: Message) -> bool:
    """Show what was removed, as long as it has a text."""
    return bool(message.content)


def erase_at_start_only(_erasing: Erasing, _room: Room, _records: Sequence[Record]) -> None:
    """Leave it to the next start of the node to erase what it folds."""


def trust_the_checkpoint(_checkpoint: Checkpoint) -> None:
    """Forget that the checkpoint may hold texts that were erased meanwhile."""


def keep_the_frames(_handlers: StreamHandlers) -> None:
    """Leave erased texts in the frames that are cached for the stream."""


async def erase_before_the_record(operator: Operator, command: OperatorCommand) -> Decided:
    """Erase texts before the record is durable that says so."""
    if isinstance(command, EraseRecords) and not operator.dry_run:
        await operator.admin_node.log.erase([each.position for each in command.records])
    return await decide_for(operator, command)


OPERATOR_MUTATIONS: Final = {
    "let a grace never end": Mutation("chatr.domain.agent_keys.OtherKeys.are_open", open_until_it_is_dropped),
    "post with a void key": Mutation("chatr.node.command_handler.CommandHandler.handle", ignore_the_key),
    "leave other keys out of checkpoints": Mutation("chatr.past.checkpoint.take_snapshot", snapshot_without_other_keys),
    "decide by an old standing": Mutation("chatr.node.command_handler.decide", OldStandings().decide),
    "leave removals out on resume": Mutation("chatr.adapters.http.stream.endpoint.repeated", no_changes),
    "send hidden messages": Mutation("chatr.domain.history.History.shows", shows_text),
    "erase at the start only": Mutation("chatr.node.erasing.Erasing.records_folded", erase_at_start_only),
    "erase before the record": Mutation("chatr.admin.operator.Operator.decide", erase_before_the_record),
    "leave texts in the checkpoint": Mutation("chatr.past.checkpoint.Checkpoint.mark_outdated", trust_the_checkpoint),
    "leave texts in cached frames": Mutation(
        "chatr.adapters.http.stream.endpoint.StreamHandlers.forget_texts", keep_the_frames
    ),
}
