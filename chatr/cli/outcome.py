"""Runs a command, and turns its errors into one sentence and an exit code."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Final

from chatr.cli.output.text import printable
from chatr.cli.standard_streams import CannotWriteOutput
from chatr.secret import hide_secrets

FAILED: Final = 1
"""Exit code of a command that was given correctly and could not be finished."""
WRONGLY_USED: Final = 2
"""Exit code of a command with wrong arguments or an unusable log. argparse uses the same code."""
SIGNALLED: Final = 128
"""Shells add this to the number of the signal that ended a process."""
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
READER_ENDED: Final = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)
"""Errors of a pipe or socket that nobody reads any more."""
Errors = tuple[type[Exception], ...]


def exit_code_of(run: Callable[[], int], usage_errors: Errors, failures: Errors) -> int:
    """Run a command and return its exit code. Expected errors, and those of standard output, print one sentence.

    An unexpected one prints its traceback, without secrets that it quotes.
    """
    try:
        code = run()
        # Flushed here, where a closed pipe or a full disk can still be reported.
        sys.stdout.flush()
    except usage_errors as error:
        return report(str(error), WRONGLY_USED)
    except failures as error:
        return report(str(error), FAILED)
    except KeyboardInterrupt:
        # asyncio.Runner cancelled the command before, so its log is closed and its progress bar is removed. Or its
        # modules were still being imported.
        return SIGNALLED + signal.SIGINT
    except CannotWriteOutput as error:
        discard_output()
        if error.errno in READER_ENDED:
            return SIGNALLED + signal.SIGPIPE
        return report(f"{error.strerror}.", FAILED)
    except Exception as error:  # noqa: BLE001 -- the interpreter would print it, with the secrets that it quotes
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return report(f"{error.strerror}.", FAILED)
        sys.stderr.write(hide_secrets(traceback.format_exc()))
        return FAILED
    return code


def report(sentence: str, code: int) -> int:
    """Print the sentence of an error to standard error, without secrets that it quotes, and return `code`."""
    sys.stderr.write(f"chatr: {printable(hide_secrets(sentence))}\n")
    return code


def discard_output() -> None:
    """Redirect standard output to /dev/null, or the flush at exit would fail again and print a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
