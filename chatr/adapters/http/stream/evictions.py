"""Why a watcher is dropped."""

from typing import Final

STALLED: Final = "stalled"
"""It takes nothing."""
TOO_MUCH_WAITING: Final = "too_much_waiting"
"""It takes too little."""
LOG_REPLACED: Final = "log_replaced"
"""Its log is no longer there."""
READING_NEEDS_KEY: Final = "reading_needs_key"
"""The room is private, and its key is void, or it has none."""
EVICTION_REASONS: Final = (STALLED, TOO_MUCH_WAITING, LOG_REPLACED, READING_NEEDS_KEY)
