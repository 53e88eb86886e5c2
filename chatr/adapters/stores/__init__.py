"""Event logs: in memory, in SQLite, in PostgreSQL and in exported files."""
