"""Commands with which an agent, or a person, takes part in a room over HTTP."""
