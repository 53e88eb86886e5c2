"""Why streams end: clients leave, or the server drops their watchers."""

from typing import Final

STALLED: Final = "stalled"
"""It takes nothing."""
TOO_MUCH_WAITING: Final = "too_much_waiting"
"""It takes too little."""
LOG_REPLACED: Final = "log_replaced"
"""Its log is no longer there."""
CLIENT_LEFT: Final = "client_left"
"""Its client, or something in between, closed the connection."""
READING_NEEDS_KEY: Final = "reading_needs_key"
"""The room became private, or its key is void."""
BACKLOG_FAILED: Final = "backlog_failed"
"""Messages that it has missed cannot be read or written."""
SERVER_STOPPED: Final = "server_stopped"
"""The server ends."""
EVICTION_REASONS: Final = (STALLED, TOO_MUCH_WAITING, LOG_REPLACED, READING_NEEDS_KEY)
"""Those that are counted."""
