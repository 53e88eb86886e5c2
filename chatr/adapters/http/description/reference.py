"""Rules, endpoints and errors as Markdown tables, generated from the objects that are enforced."""

from collections.abc import Iterable, Sequence

from chatr.adapters.http.error_catalogue import ERROR_TYPES, STATUS
from chatr.adapters.http.routes import ALL_ROUTES
from chatr.domain.limits import Limits
from chatr.domain.policy import RULES


def markdown_cell(value: object) -> str:
    """Return a value as the content of a table cell."""
    return str(value).replace("|", "\\|")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, each of its lines with a line feed."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(markdown_cell, line))} |\n" for line in lines)


def rules_table(limits: Limits) -> str:
    """Return the rules in the order in which they are checked, with these limits in their sentences."""
    rows = ((rule.text(limits), STATUS[rule.kind], f"`{rule.code}`") for rule in RULES)
    return markdown_table(("rule", "status", "code"), rows)


def endpoints_table() -> str:
    """Return the endpoints in the order of the table of routes."""
    rows = (
        (f"`{route.method} {route.path}`", "yes" if route.requires_key else "", route.summary) for route in ALL_ROUTES
    )
    return markdown_table(("call", "key", "what it is for"), rows)


def errors_table() -> str:
    """Return the errors that are not about a rule, by status."""
    errors = sorted(ERROR_TYPES, key=lambda error: error.status)
    return markdown_table(
        ("status", "code", "what it says"), ((error.status, f"`{error.code}`", error.sentence) for error in errors)
    )
