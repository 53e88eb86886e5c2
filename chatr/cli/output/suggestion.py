"""The error for a name that no agent has, with the name that an operator may have meant."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from chatr.cli.errors import CommandError
from chatr.domain.identity import AgentId

LENGTH_DIFFERENCE: Final = 2
"""By how many characters a mistyped name may be longer or shorter than the one that was meant."""


class UnknownAgent(CommandError):
    """No agent was registered by that name."""


def unknown_agent(given: str, position: int, names: Mapping[AgentId, str]) -> UnknownAgent:
    """Return the error for a name that none of the agents registered by `position` has. `names` are theirs."""
    return UnknownAgent(f"No agent was registered as {given} by position {position}.{suggestion(given, names)}")


def suggestion(given: str, names: Mapping[AgentId, str]) -> str:
    """Return a sentence about the agent that was probably meant, after a space; "" if there is none."""
    # The streams of agents are named agent/ID.
    name = names.get(AgentId(given.removeprefix("agent/")))
    if name is not None:
        return f" That is the id of {name}: give the name."
    wanted = given.lower()
    # To compare two names takes 10 us, and a room may have a million: only names that begin or end alike are compared.
    candidates = {
        name.lower(): name
        for name in names.values()
        if abs(len(name) - len(wanted)) <= LENGTH_DIFFERENCE
        and (name[:1].lower() == wanted[:1] or name[-1:].lower() == wanted[-1:])
    }
    close = get_close_matches(wanted, candidates, n=1)
    return f" Did you mean {candidates[close[0]]}?" if close else ""
