"""What the program tells its operator: lines for a person on a terminal, JSON for everything else."""

import logging
import sys
from contextlib import suppress

import structlog


class Diary(structlog.PrintLogger):
    """What standard error does not take is lost: no room ends because the disk that keeps its diary is full."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warning = error = exception = critical = msg


def configure() -> None:
    """Send the program's own events, and what libraries warn of, to standard error."""
    person = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not person),
    ]
    if person:
        # Without locals in tracebacks: there might be a key or a message among them.
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ending: list[structlog.typing.Processor] = [plain]
    else:
        ending = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *ending],
        logger_factory=lambda *_: Diary(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
