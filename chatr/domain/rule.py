"""What a rule is: a code, a kind, a sentence and a predicate.

The same object is enforced, quoted in error messages, mapped to an HTTP status, and printed in the documentation.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Generic, Protocol, TypeVar

from attrs import evolve, field, frozen

from chatr.domain.agent import Agent
from chatr.domain.identity import AgentId
from chatr.domain.limits import SECOND, Limits
from chatr.domain.removals import Removal

NO_LIMIT: Final = "not set"
"""Stands in a sentence for a rate limit that the log does not have."""


class Kind(Enum):
    """What is wrong with a command that violates a rule. HTTP maps each kind to a status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate limited"


@frozen
class RuleContext:
    """What the rules know of the room besides the agent.

    `limits` are in force since the record at `limits_position`; 0 = none were adopted yet. `agents_by_account` maps
    the keys of Moltbook accounts (`account_keys`) to the agents that they verify, and `older_names` the strict forms of
    names to the agents of older versions, whose ids do not follow from that form.

    `room_position` is the position of the last record in the stream `room`. `closing` says why the room is closed; None
    = it is open. `message_positions` are those of all messages, ascending, `removals` the hidden ones by position, and
    `agents_by_key` and `void_keys` the digests of all keys that were ever issued. `addressed` are the positions of the
    messages that are shown and addressed to each agent, ascending.
    """

    limits: Limits = field(factory=Limits)
    limits_position: int = 0
    agents_by_account: Mapping[str, AgentId] = field(factory=dict)
    older_names: Mapping[str, str] = field(factory=dict)
    room_position: int = 0
    closing: str | None = None
    message_positions: Sequence[int] = ()
    removals: Mapping[int, Removal] = field(factory=dict)
    agents_by_key: Mapping[str, AgentId] = field(factory=dict)
    void_keys: Mapping[str, AgentId] = field(factory=dict)
    addressed: Mapping[AgentId, Sequence[int]] = field(factory=dict)

    def is_message(self, position: int) -> bool:
        """Whether there is a message at `position`."""
        index = bisect_left(self.message_positions, position)
        return index < len(self.message_positions) and self.message_positions[index] == position

    def is_addressed(self, agent: AgentId, after: int, until: int) -> bool:
        """Whether a message that is shown and addressed to the agent is after one position, and not after another."""
        positions = self.addressed.get(agent, ())
        return bisect_right(positions, until) > bisect_right(positions, after)


C = TypeVar("C")
"""The type of the commands that a rule is about."""
C_contra = TypeVar("C_contra", contravariant=True)
Details = Mapping[str, object]
"""Fields that an error response has besides its code and text."""
Predicate = Callable[[Agent, C, RuleContext], bool]
DetailsFinder = Callable[[Agent, Any, RuleContext], Details]


@frozen
class Rule(Generic[C_contra]):
    """A rule that a command must obey: `holds` returns whether it does.

    `sentence` states the rule, with limits in force in braces. `advice` says what to do next, with details in braces.
    """

    code: str
    kind: Kind
    sentence: str
    advice: str
    holds: Predicate[C_contra]
    details: DetailsFinder
    # A check of text may become stricter in a new version of chatr, unlike the limits, which are in the log. So audit
    # reports a record that violates such a rule with a note and not as an error.
    text_only: bool = False
    # Makes the whole error text of the details, in place of sentence and advice.
    notice: Callable[[Details], str] | None = None

    def error_text(self, limits: Limits, details: Details) -> str:
        """The text of the error for a command that violates the rule."""
        if self.notice is not None:
            return self.notice(details)
        return f"{self.text(limits)} {self.advice.format(**details)}".rstrip()

    def text(self, limits: Limits) -> str:
        """The sentence with the limits filled in."""
        return self.sentence.format(
            verified=limits.verified,
            unverified=limits.unverified,
            leaving=limits.leaving or NO_LIMIT,
            verifying=limits.verifying or NO_LIMIT,
        )


class RuleViolated(Exception):
    """A command violates a rule. The text of the exception is the error message for the agent."""

    def __init__(self, rule: Rule[Any], limits: Limits, details: Details) -> None:
        super().__init__(rule.error_text(limits, details))
        self.code = rule.code
        self.kind = rule.kind
        self.details = details


def no_details(_agent: Agent, _command: object, _context: RuleContext) -> Details:
    """The details of a rule that has none."""
    return {}


class RuleMaker(Protocol):
    """A decorator that makes a rule of a predicate."""

    def __call__(self, holds: Predicate[C], /) -> Rule[C]:
        """The rule that holds where the predicate does."""
        ...


def rule(
    kind: Kind,
    code: str,
    sentence: str,
    advice: str = "",
    details: DetailsFinder = no_details,
    *,
    text_only: bool = False,
) -> RuleMaker:
    """Make a rule of a predicate of an agent, a command and the context."""

    def make(holds: Predicate[C], /) -> Rule[C]:
        """The rule of this predicate."""
        return Rule(code, kind, sentence, advice, holds, details, text_only)

    return make


def with_notice(notice: Callable[[Details], str]) -> Callable[[Rule[C]], Rule[C]]:
    """A decorator of a rule whose error text is made of its details alone."""
    return lambda without: evolve(without, notice=notice)


class FormatRuleMaker(Protocol):
    """A decorator that makes a rule of a predicate of the command alone."""

    def __call__(self, fits: Callable[[C], bool], /) -> Rule[C]:
        """The rule that holds where the predicate does."""
        ...


def format_rule(code: str, sentence: str, advice: str = "") -> FormatRuleMaker:
    """Make a rule about the form of a command, of a predicate of the command alone."""

    def make(fits: Callable[[C], bool], /) -> Rule[C]:
        """The rule of this predicate."""
        return Rule(
            code,
            Kind.INVALID,
            sentence,
            advice,
            lambda _agent, command, _context: fits(command),
            no_details,
            text_only=True,
        )

    return make


class RateRuleMaker(Protocol):
    """A decorator that makes a rule of a wait."""

    def __call__(self, wait: Callable[[Agent, C, RuleContext], int], /) -> Rule[C]:
        """The rule that holds where there is nothing to wait for."""
        ...


def rate_rule(code: str, sentence: str, advice: str) -> RateRuleMaker:
    """Make a rule about a rate, of a function that returns the milliseconds until the command is allowed; 0 = now.

    Its details are `wait` in milliseconds, and `retryAfter` in whole seconds, rounded up.
    """

    def make(wait: Callable[[Agent, C, RuleContext], int], /) -> Rule[C]:
        """The rule of this wait."""

        def details(agent: Agent, command: C, context: RuleContext) -> Details:
            """How long the agent has to wait."""
            milliseconds = wait(agent, command, context)
            return {"wait": milliseconds, "retryAfter": -(-milliseconds // SECOND)}

        return Rule(
            code,
            Kind.RATE_LIMITED,
            sentence,
            advice,
            lambda agent, command, context: wait(agent, command, context) == 0,
            details,
        )

    return make


def check_rules(rules: Iterable[Rule[C]], agent: Agent, command: C, context: RuleContext) -> None:
    """Check that a command obeys rules. Raises RuleViolated for the first one that it violates."""
    for each in rules:
        if not each.holds(agent, command, context):
            raise RuleViolated(each, context.limits, each.details(agent, command, context))
