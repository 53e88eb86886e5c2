"""The event log in an exported file, for reading only."""
