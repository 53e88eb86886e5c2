"""A node: one reader and writer of a log, put together from its parts."""

from typing import Self

from attrs import frozen

from chatr.domain.room import Room
from chatr.node.command_handler import CommandHandler
from chatr.node.follower import Follower
from chatr.node.integrity import Integrity
from chatr.node.message_reader import MessageReader
from chatr.node.message_search import MessageSearch
from chatr.node.newest_messages import NewestMessages
from chatr.node.readiness import Readiness
from chatr.ports import Clock, EventLog, Secrets


@frozen
class Node:
    """The parts of one node. All of them read the follower's room; only the follower changes it.

    `search` is None in a node that serves no clients. A node that `is_read_only` records nothing.
    """

    follower: Follower
    commands: CommandHandler
    messages: MessageReader
    newest: NewestMessages
    readiness: Readiness
    search: MessageSearch | None = None
    is_read_only: bool = False

    @classmethod
    def create(cls, event_log: EventLog, follower: Follower, clock: Clock, secrets: Secrets) -> Self:
        """Create the parts of a node on `event_log`. `follower` must follow the same log."""
        commands = CommandHandler(event_log, follower, clock, secrets)
        messages = MessageReader(event_log, follower)
        newest = NewestMessages(messages, follower)
        return cls(follower, commands, messages, newest, Readiness(event_log, follower, commands))

    @property
    def integrity(self) -> Integrity:
        """How far the hashes of the log were checked, and which record was altered."""
        return self.follower.integrity

    @property
    def room(self) -> Room:
        """The room as of the last record that was folded. Another object after the log was replaced."""
        return self.follower.room
