"""The seconds of a stop. Supervisors kill a process after ten, so whatever hangs is given up before.

Appends are answered first, then come the last responses, the streams, the checkpoint and the log. Each part has its own
limit; where several reach theirs, HANGING or TOTAL ends the process. By then every request has its response, and all
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
"""From the signal to the end of a process whose store is slow: it does not wait for the checkpoint and the last
flushes, which would be slow too. The kernel lets a flush in progress finish; with one of four seconds that makes nine.
"""
TOTAL: Final = 9.0
"""From the signal to the end of the process, with a second to spare for a busy machine."""
