"""The event log in PostgreSQL, for several nodes."""
