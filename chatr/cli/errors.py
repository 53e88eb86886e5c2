"""The error of a command that cannot be carried out as it was given."""


class CommandError(Exception):
    """A command cannot be carried out as it was given. The text is one sentence; the exit code is 2."""
