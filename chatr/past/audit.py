"""Check a log: that every record is as it was stored, and that the rules then in force allowed it."""

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import evolve, fields, frozen

from chatr.codec import decode
from chatr.domain import keyed_posts
from chatr.domain.agent import Agent
from chatr.domain.chain import ChainPoint
from chatr.domain.command_of_event import as_command
from chatr.domain.commands import Command, Heartbeat
from chatr.domain.decide import event_for, existing_record_for, rules_for
from chatr.domain.events import AgentEvent, AgentRegistered, AgentVerified, Record, RoomEvent, VerificationStarted
from chatr.domain.identity import AgentId
from chatr.domain.limits import FEWEST_IDEMPOTENCY_KEYS, HOUR, SECOND
from chatr.domain.moderation_events import RecordsErased
from chatr.domain.room import Room
from chatr.domain.rule import RuleContext
from chatr.past.erasures import ErasureCheck
from chatr.ports import Stored

TOLERANCE: Final = 24 * HOUR
"""How far a record's time may be ahead of the auditor's clock, or before the time of the previous record."""

STEP_NOTED: Final = SECOND
"""How far a record's time may be before that of the agent's last record without a note. Rates go by these times."""

STATES_REMEMBERED: Final = 100
"""Earlier states that are remembered of each agent, one per verification event.

They serve to judge records of nodes that had not yet folded the agent's latest verification.
"""


@frozen
class Finding:
    """What is wrong with the record at `position`, as one sentence. A `note` is worth knowing but not wrong."""

    position: int
    sentence: str
    note: bool = False


class Audit:
    """Folds a log record by record and yields a finding for everything that is wrong with a record."""

    def __init__(self, now: int, expected: Iterable[ChainPoint] = ()) -> None:
        """`now` is the auditor's time in milliseconds since 1970. The log must contain every `expected` point.

        `room` is the state after the records that were checked, and `erasures` the empty messages among them.
        """
        self.room = Room()
        self._now = now
        self._expected = deque(sorted(expected))
        self._matched_until = 0
        self._last_time: int | None = None
        self._stream_ends: dict[str, int] = {}
        self._id_hashes: set[int] = set()
        self._rule_contexts: list[RuleContext] = [self.room.rule_context]
        self.erasures = ErasureCheck()
        self._erased_messages: Counter[AgentId] = Counter()
        """How many messages of each agent are empty."""
        self._earlier_states: defaultdict[AgentId, deque[tuple[int, Agent]]] = defaultdict(
            lambda: deque(maxlen=STATES_REMEMBERED)
        )

    def check(self, stored: Stored) -> Iterator[Finding]:
        """Yield what is wrong with the next record. Raises UnreadableRecord where it cannot be folded.

        The record is folded only when the iterator is exhausted, so it must be before the next call.
        """
        position = stored.position
        if position <= self.room.position:
            yield Finding(position, f"Its position is not after {self.room.position}, the position before it.")
            return
        for sentence in (*self._check_order(stored), *self._check_content(stored)):
            yield Finding(position, sentence)
        record = decode(stored)
        self.erasures.read(stored)
        yield from self._check_time_step(record)
        yield from self._check_decision(record, stored)
        self._apply(record)
        if stored.is_erased and isinstance(record.event, AgentEvent):
            self._erased_messages[record.event.agent] += 1
        yield from self._check_chain()

    def end(self) -> Iterator[Finding]:
        """Yield the findings that only the end of the log shows: expected chain points beyond it, and messages that are
        not as erasing records say.
        """
        for point in self._expected:
            yield Finding(point.position, f"A head is expected here, but the log ends at {self.room.position}.")
        for position, sentence in self.erasures.faults(self.room.rule_context.is_message):
            yield Finding(position, sentence)

    def _check_order(self, stored: Stored) -> Iterator[str]:
        """Yield what is wrong with the record's position, its predecessor in its stream, and its id."""
        next_position, stream_end = self.room.position + 1, self._stream_ends.get(stored.stream, 0)
        if stored.position != next_position:
            yield f"Position {next_position} should be next: records are missing."
        if stored.previous != stream_end:
            yield f"It follows position {stored.previous} in its stream, whose last record is {stream_end}."
        # Hashes of 64 bits instead of the ids themselves, to save memory in a log of millions of records.
        if hash(stored.id) in self._id_hashes:
            yield "Its id is that of an earlier record."
        self._stream_ends[stored.stream] = stored.position
        self._id_hashes.add(hash(stored.id))

    def _check_content(self, stored: Stored) -> Iterator[str]:
        """Yield whether the record hash does not match, and whether time or decision position are impossible."""
        # The hash of an erased message covers its text: what stays is compared with what the erasing record says.
        if not stored.is_erased and stored.record_hash != stored.record_hash_after(stored.previous, "surrogateescape"):
            yield "Its record hash does not match its content: it was changed after it was stored."
        if not self._is_plausible_time(stored.at):
            yield "Its time lies in the future, or before 1970."
        # The node had at least folded the record before it in its stream: every append is conditional on that.
        if not stored.previous <= stored.decided_at_position < stored.position:
            yield f"It was decided at position {stored.decided_at_position}, which is impossible."

    def _check_time_step(self, record: Record) -> Iterator[Finding]:
        """Yield a note if the time is long before that of the last record, or well before that of the agent's last one.

        Clocks step back and differ between nodes, but only by a little.
        """
        at, agent_time = record.event.at, self._last_time_of_agent(record)
        if self._last_time is not None and at < self._last_time - TOLERANCE:
            yield Finding(record.position, "Its time is more than a day before that of the last record.", note=True)
        elif agent_time is not None and at < agent_time - STEP_NOTED:
            step = f"Its time is {agent_time - at} ms before that of the agent's last record"
            yield Finding(record.position, f"{step}: a clock stepped back, or clocks differ.", note=True)
        # An implausible time is not remembered, or every later record would get this note.
        if self._is_plausible_time(at):
            self._last_time = at

    def _last_time_of_agent(self, record: Record) -> int | None:
        """The time of the last record before this one in the stream of its agent; None if there is none."""
        # A badge is in the stream of its account, of which it is the first record.
        if not isinstance(record.event, AgentEvent) or isinstance(record.event, AgentVerified):
            return None
        agent = self.room.agent(record.event.agent)
        return agent.last_seen if agent.registered and self._is_plausible_time(agent.last_seen) else None

    def _is_plausible_time(self, at: int) -> bool:
        return 0 <= at <= self._now + TOLERANCE

    def _check_decision(self, record: Record, stored: Stored) -> Iterator[Finding]:
        """Decide the record again, with the agent and limits that its node had folded, and yield every difference."""
        right_stream, command = self.room.stream_end(record.event).stream, as_command(record.event)
        if right_stream != stored.stream:
            yield Finding(record.position, f"It is in stream {stored.stream} and belongs in {right_stream}.")
        if isinstance(record.event, RecordsErased):
            for each in record.event.records:
                if not self.room.rule_context.is_message(each.position):
                    yield Finding(record.position, f"It erases record {each.position}, which is no message before it.")
        seen = record.decided_at_position
        # Contexts that were in force by then. At least the first: `seen` is below 0 in a damaged record.
        count = max(bisect_right(self._rule_contexts, seen, key=lambda context: context.room_position), 1)
        agent, context = self._agent_at(command.agent, seen), self._rule_contexts[count - 1]
        yield from rule_findings(record, command, agent, context, is_erased=stored.is_erased)

    def _agent_at(self, agent: AgentId, position: int) -> Agent:
        """The agent as a node saw it that had folded the log up to `position`, for the rules.

        The node had folded the agent's own stream, or the append would have conflicted. It may not have folded a badge,
        which is recorded in the stream of the Moltbook account. Only verification events matter to the rules then.
        """
        later = (state for changed_at, state in self._earlier_states.get(agent, ()) if changed_at > position)
        return with_fewest_keys(next(later, self.room.agent(agent)), self._erased_messages[agent])

    def _apply(self, record: Record) -> None:
        """Fold the record even if something is wrong with it, so that the rest of the log can be judged."""
        event = record.event
        if isinstance(event, VerificationStarted | AgentVerified):
            self._earlier_states[event.agent].append((record.position, self.room.agent(event.agent)))
        # A missing registration and a gap in the positions were already reported. Both are repaired here, so that
        # `room.apply` accepts the record.
        if isinstance(event, AgentEvent) and not isinstance(event, AgentRegistered):
            self.room.agents.setdefault(event.agent, Agent(event.agent))
        self.room.position = record.position - 1
        self.room.apply(record)
        if isinstance(event, RoomEvent):
            self._rule_contexts.append(self.room.rule_context)

    def _check_chain(self) -> Iterator[Finding]:
        """Yield a finding if the log's chain point here is not the expected one."""
        while self._expected and self._expected[0].position <= self.room.position:
            point = self._expected.popleft()
            if point != ChainPoint(self.room.position, self.room.chain_hash):
                changed = f"something from position {self._matched_until + 1} to {point.position} was changed"
                yield Finding(point.position, f"The head is not the expected one: {changed}.")
                # Every later chain hash includes the change too.
                self._expected.clear()
            self._matched_until = point.position


def with_fewest_keys(agent: Agent, erased: int) -> Agent:
    """The agent with no more idempotency keys than any version of chatr remembered.

    `erased` messages of the agent may have had keys, which are not known any more and had displaced older keys.
    """
    # An older version may have allowed a key again that this one would still remember.
    count = FEWEST_IDEMPOTENCY_KEYS - erased
    keys = keyed_posts.last(agent.keyed_posts, count) if count > 0 else b""
    return agent if len(keys) == len(agent.keyed_posts) else evolve(agent, keyed_posts=keys)


def rule_findings(
    record: Record, command: Command, agent: Agent, context: RuleContext, *, is_erased: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each reason for which `command` would not have become this record.

    Of a message that `is_erased` the rules about the text are not judged.
    """
    position = record.position
    earlier = existing_record_for(agent, command, context)
    # What an agent has acknowledged may have been removed or erased since: then nothing shows that it was addressed.
    if earlier is not None and not (isinstance(command, Heartbeat) and command.read > agent.read):
        yield Finding(position, f"Record {earlier} already answers this command: nothing should have been recorded.")
        return
    rules = [rule for rule in rules_for(command) if not (is_erased and rule.text_only)]
    broken = [rule for rule in rules if not rule.holds(agent, command, context)]
    for rule in broken:
        # Text checks become stricter from version to version, so what they forbid now may have been allowed then.
        who = "Today's rules would" if rule.text_only else "The rules"
        yield Finding(position, f"{who} reject it: {rule.text(context.limits)}", note=rule.text_only)
    # Whole events are compared first: nearly all are equal, and comparing field by field is slow.
    if all(rule.text_only for rule in broken) and (again := event_for(agent, command)) != record.event:
        for field in fields(type(again)):
            if getattr(again, field.name) != getattr(record.event, field.name):
                yield Finding(position, f"Decided again, its {field.name} would be different.")
