"""Commands of operators and the replies to them: nothing of these may be lost, doubled, or untrue."""

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from chatr.admin.replies import Change, Counts, End, Failed, Refused, Reply
from chatr.admin.requests import AnyRequest, EraseMessages, EraseMessagesOf, RemoveMessagesOf, RestoreMessagesOf
from tests.simulation.message_texts import texts_in
from tests.simulation.oracle import Oracle
from tests.simulation.process import Process
from tests.simulation.store import Store


@define(eq=False)
class OperatorCommand:
    """A command, and the replies to it. The node had folded `generation` when it was asked.

    `to_erase`: the positions of the messages that it must erase. `process` is None for a node of its own.
    """

    request: AnyRequest
    process: Process | None
    generation: int | None
    to_erase: list[int]
    replies: list[Reply] = field(factory=list)

    @property
    def acknowledged(self) -> set[int]:
        """The positions of the records that replies name."""
        return {each.record for each in self.replies if isinstance(each, Change) and each.record is not None}

    @property
    def knows_all(self) -> bool:
        """Whether its last reply says that nothing was stored but what the replies name."""
        last = self.replies[-1] if self.replies else None
        return isinstance(last, End | Refused) or (isinstance(last, Failed) and "not known" not in last.error)


@define(eq=False)
class OperatorCommands:
    """All commands of the operators of a world."""

    oracle: Oracle
    store: Store
    _commands: list[OperatorCommand] = field(factory=list)
    _named: int = 0

    def new_operator(self) -> str:
        """A name that no other command has, so that its records are known by it."""
        self._named += 1
        return f"operator {self._named}"

    def begin(self, request: AnyRequest, process: Process | None) -> OperatorCommand:
        """A command that is sent to a node, or to one of its own, which has yet to read the log."""
        generation = self.oracle.generation_of(process.node) if process else self.oracle.generation
        command = OperatorCommand(request, process, generation, self._to_erase(request))
        self._commands.append(command)
        return command

    def _to_erase(self, request: AnyRequest) -> list[int]:
        if isinstance(request, EraseMessages):
            return list(request.ids)
        if not isinstance(request, EraseMessagesOf):
            return []
        agent = self.oracle.branch.room.agent_named(request.agent).id
        return [each.position for each in self.oracle.branch.messages if each.agent == agent]

    def check(self, command: OperatorCommand) -> None:
        """Check a command that is over."""
        # A copy of the log that was restored since may lack its records.
        if command.generation == self.oracle.generation:
            for sentence in self._faults(command):
                self.oracle.report(f"{command.request} {sentence}: {command.replies}")

    def check_all(self) -> None:
        """Check all commands once more, when nothing can be stored any longer."""
        for command in self._commands:
            self.check(command)

    def _faults(self, command: OperatorCommand) -> Iterator[str]:
        """Yield what is wrong with the records of a command."""
        request = command.request
        decisions = self.oracle.branch.moderation.decisions[request.by]
        stored = {each.position for each in decisions}
        if lost := command.acknowledged - stored:
            yield f"was told of records {lost}, which are not stored"
        doubled = Counter((each.event_class, each.target) for each in decisions)
        if any(count > 1 for count in doubled.values()):
            yield f"was carried out twice: {decisions}"
        if request.dry_run and stored:
            yield f"was to store nothing, and stored {stored}"
        if isinstance(request, RemoveMessagesOf | RestoreMessagesOf):
            counted = [each.changed for each in command.replies if isinstance(each, Counts)]
            if counted and not request.dry_run and counted != [len(stored)]:
                yield f"was told of {counted} records, and stored {stored}"
        elif isinstance(request, EraseMessages | EraseMessagesOf):
            if isinstance(command.replies[-1] if command.replies else None, End) and not request.dry_run:
                yield from self._texts_left(command)
        elif command.knows_all and stored > command.acknowledged:
            yield f"was told of {command.acknowledged}, and stored {stored}"

    def _texts_left(self, command: OperatorCommand) -> Iterator[str]:
        """Yield which texts are still there although the node replied that they are gone."""
        moderation = self.oracle.branch.moderation
        if unnamed := [position for position in command.to_erase if position not in moderation.erased]:
            yield f"was told of erasures, and {unnamed} are not erased"
        if left := [position for position in command.to_erase if not self.store.is_erased(position)]:
            yield f"was told that all is clean, and the log has the texts of {left}"
        file = command.process.checkpoint if command.process else None
        erased = self.oracle.branch.erased_texts()
        texts = {self.oracle.branch.by_position[position].content for position in command.to_erase} & erased
        if file is not None and file.exists() and (found := texts_in(file.read_bytes(), texts)):
            yield f"was told that all is clean, and {file.name} has {found}"
