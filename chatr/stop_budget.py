"""The seconds of a stop. Supervisors kill a process after ten, so whatever hangs is given up before.

Appends are answered first, then come the last responses, the streams, the checkpoint and the log. Each part ends in its
own time; where several of them hang, HANGING or TOTAL ends the process. By then every request has its response, and all
that the rest would write can be computed from the log.
"""

from typing import Final

APPENDS: Final = 3.0
"""For appends that a store has not confirmed. Then their outcome is unknown."""
RESPONSES: Final = 1.0
"""For the last responses after that."""
LOG: Final = 4.0
"""For a commit that hangs when the log is closed."""
HANGING: Final = 5.0
"""From the signal to the end of the process, if the store is slow. The checkpoint and the log's last flushes would
be slow as well, and the system ends a process only when its flush returns: one of four seconds may be in progress.
"""
TOTAL: Final = 9.0
"""From the signal to the end of the process, with a second to spare for a busy machine."""
