"""The type of the ids of agents."""

from typing import NewType

# A type of its own for mypy, so that no name is passed where an id is meant.
AgentId = NewType("AgentId", str)
