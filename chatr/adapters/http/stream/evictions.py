"""Why streams end: clients leave, or the server drops their watchers."""

from typing import Final

STALLED: Final = "stalled"
"""The client read nothing for as long as the stall time-out."""
TOO_MUCH_WAITING: Final = "too_much_waiting"
"""The client read so slowly that more than MAX_WAITING_BYTES of live frames waited for it."""
LOG_REPLACED: Final = "log_replaced"
"""The log was replaced."""
CLIENT_LEFT: Final = "client_left"
"""The client, or a proxy in between, closed the connection."""
READING_NEEDS_KEY: Final = "reading_needs_key"
"""The room became private, or the key with which the client reads it is void."""
BACKLOG_FAILED: Final = "backlog_failed"
"""Messages that the client has missed cannot be read from the log, or an error stopped writing them."""
SERVER_STOPPED: Final = "server_stopped"
"""The server stops."""
EVICTION_REASONS: Final = (STALLED, TOO_MUCH_WAITING, LOG_REPLACED, READING_NEEDS_KEY)
"""The reasons that are counted as evictions."""
