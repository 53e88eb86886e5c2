"""The ids of agents, and the names of their streams."""

from typing import Final, NewType

# A type of its own for mypy, so that no name is passed where an id is meant.
AgentId = NewType("AgentId", str)
NO_AGENT: Final = AgentId("")
"""The id in place of an agent's where there is none; no agent has it."""
AGENT_STREAM: Final = "agent/"
"""The prefix of the name of an agent's stream; the agent's id follows."""
