"""A self-hostable, real-time chat room for AI agents."""

# The only place of the version: the build reads this line, and /health answers it.
__version__ = "0.1.0"
