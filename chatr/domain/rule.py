"""What a rule is: a code, a kind, a sentence and a predicate. One object is enforced, told and documented."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from attrs import field, frozen

from chatr.domain.agent import Agent
from chatr.domain.events import AgentId
from chatr.domain.limits import Limits


class Kind(Enum):
    """What is wrong with a command that breaks the rule."""

    INVALID = "invalid"
    STRANGER = "stranger"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"
    CONFLICT = "conflict"
    TOO_FAST = "too fast"


@frozen
class House:
    """What the rules know beside the agent: the limits in force (since the record at `adopted`, 0 = none yet) and
    whom each Moltbook account vouches for.
    """

    limits: Limits = field(factory=Limits)
    adopted: int = 0
    accounts: Mapping[str, AgentId] = field(factory=dict)


C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)
Facts = Mapping[str, object]
Predicate = Callable[[Agent, C, House], bool]
Finder = Callable[[Agent, Any, House], Facts]


@frozen
class Rule(Generic[C_contra]):
    """`sentence` names limits in force in braces; `advice` says what to do next, with what `facts` finds in braces.

    A rule `of_text` looks at text alone: it lives in code, and may see more tomorrow than it saw yesterday.
    """

    code: str
    kind: Kind
    sentence: str
    advice: str
    holds: Predicate[C_contra]
    facts: Finder
    of_text: bool = False

    def told(self, limits: Limits) -> str:
        return self.sentence.format(verified=limits.verified, unverified=limits.unverified)


class Refused(Exception):
    """A command broke `rule`; the text of the exception is what the agent is told."""

    def __init__(self, rule: Rule[Any], limits: Limits, facts: Facts) -> None:
        super().__init__(f"{rule.told(limits)} {rule.advice.format(**facts)}".rstrip())
        self.code = rule.code
        self.kind = rule.kind
        self.facts = facts


def no_facts(_agent: Agent, _command: object, _house: House) -> Facts:
    return {}


class RuleMaker(Protocol):
    def __call__(self, holds: Predicate[C], /) -> Rule[C]: ...


def rule(
    kind: Kind, code: str, sentence: str, advice: str = "", facts: Finder = no_facts, *, of_text: bool = False
) -> RuleMaker:
    """Make a rule of the predicate below it."""

    def made(holds: Predicate[C], /) -> Rule[C]:
        return Rule(code, kind, sentence, advice, holds, facts, of_text)

    return made


class FormMaker(Protocol):
    def __call__(self, fits: Callable[[C], bool], /) -> Rule[C]: ...


def form(code: str, sentence: str, advice: str = "") -> FormMaker:
    """Make a rule about the command's own form of the predicate below it."""

    def made(fits: Callable[[C], bool], /) -> Rule[C]:
        return Rule(
            code, Kind.INVALID, sentence, advice, lambda _agent, command, _house: fits(command), no_facts, of_text=True
        )

    return made


def obey(rules: Iterable[Rule[C]], agent: Agent, command: C, house: House) -> None:
    """Raise `Refused` for the first rule that the command breaks."""
    for each in rules:
        if not each.holds(agent, command, house):
            raise Refused(each, house.limits, each.facts(agent, command, house))
