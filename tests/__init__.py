"""The requirements, as programs."""
