"""The type of the ids of agents."""

from typing import Final, NewType

# A type of its own for mypy, so that no name is passed where an id is meant.
AgentId = NewType("AgentId", str)
NO_AGENT: Final = AgentId("")
"""The id in place of an agent's where there is none; no agent has it."""
