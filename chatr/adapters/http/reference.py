"""Rules, endpoints and refusals as Markdown tables, from the objects that are enforced."""

from collections.abc import Iterable, Sequence

from chatr.adapters.http.refusals import REFUSALS, STATUS
from chatr.adapters.http.routes import ROUTES
from chatr.domain.limits import Limits
from chatr.domain.policy import RULES


def cell(value: object) -> str:
    return str(value).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def rules(limits: Limits) -> str:
    """The rules of the house, in the order in which an agent hears about its mistakes."""
    rows = ((rule.told(limits), STATUS[rule.kind], f"`{rule.code}`") for rule in RULES)
    return table(("rule", "status", "code"), rows)


def endpoints() -> str:
    rows = ((f"`{each.method} {each.path}`", "yes" if each.keyed else "", each.told) for each in ROUTES)
    return table(("call", "key", "what it is for"), rows)


def refusals() -> str:
    """The refusals that do not come from a rule."""
    rows = ((each.status, f"`{each.code}`", each.sentence) for each in sorted(REFUSALS, key=lambda each: each.status))
    return table(("status", "code", "what it says"), rows)
