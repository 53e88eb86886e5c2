"""Logging of the program: readable lines on a terminal, one JSON object per line everywhere else."""

import logging
import sys
from contextlib import suppress

import structlog


class BestEffortLogger(structlog.PrintLogger):
    """Writes log lines to a file and drops those that cannot be written.

    Without this a full disk behind standard error would end the room at its next log line.
    """

    def msg(self, message: str) -> None:
        """Print `message`, unless the file rejects it."""
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warning = error = exception = critical = msg


def configure() -> None:
    """Send the program's own log events, and the warnings of libraries, to standard error."""
    is_terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not is_terminal),
    ]
    if is_terminal:
        # Without local variables in tracebacks: there might be a key or a message among them.
        console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        renderers: list[structlog.typing.Processor] = [console]
    else:
        renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *renderers],
        logger_factory=lambda *_: BestEffortLogger(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    # `force` replaces handlers that a library may have installed at import.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
