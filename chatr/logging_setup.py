"""Logging of the program: readable lines on a terminal, one JSON object per line everywhere else."""

import logging
import sys
import traceback
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo

from chatr.background_output import write_in_background
from chatr.repeated_lines import ACCESS_LINE, RepeatedLines
from chatr.secret import hide_secrets


class LineLogger(structlog.PrintLogger):
    """Writes each log line to standard error in one call, so that a line is written completely or dropped."""

    def msg(self, message: str) -> None:
        """Write `message` and a line feed."""
        sys.stderr.write(f"{message}\n")

    log = debug = info = warning = error = exception = critical = msg


class LeastLevel:
    """Drops lines below a level, except those of the access log, which has a setting of its own."""

    def __init__(self, level: str) -> None:
        self.number = logging.getLevelNamesMapping()[level.upper()]

    def drop_event(self, _logger: object, method: str, event_dict: EventDict) -> EventDict:
        """Raise DropEvent for a line that is not written; a processor of structlog."""
        # structlog's method `exception` writes an error.
        number = logging.getLevelNamesMapping().get(method.upper(), logging.ERROR)
        if number >= self.number or event_dict["event"] == ACCESS_LINE:
            return event_dict
        raise structlog.DropEvent


def without_secrets(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    """Hide what is secret in the texts of an event; a processor of structlog."""
    # A line of the access log quotes no error, and comes with each request.
    if event_dict["event"] == ACCESS_LINE:
        return event_dict
    return {name: hide_secrets(each) if isinstance(each, str) else each for name, each in event_dict.items()}


def plain_traceback(output: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback without secrets; an exception formatter of structlog."""
    # Without local variables: there might be a key or a message among them.
    output.write("\n" + hide_secrets("".join(traceback.format_exception(*exc_info))).rstrip("\n"))


def configure_for_command(level: str = "debug") -> None:
    """Send log events from `level` on to standard error, for a command whose standard output is its result."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=plain_traceback, colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            LeastLevel(level).drop_event,
            structlog.stdlib.add_log_level,
            structlog.dev.set_exc_info,
            without_secrets,
            console,
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def configure(level: str = "info") -> None:
    """Send the program's own log events from `level` on to standard error, in the background, and from libraries those
    that are warnings at least.

    A line that comes too often is suppressed and counted.
    """
    write_in_background()
    repeated, least = RepeatedLines(), LeastLevel(level)
    is_terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not is_terminal),
    ]
    if is_terminal:
        console = structlog.dev.ConsoleRenderer(exception_formatter=plain_traceback)
        renderers: list[structlog.typing.Processor] = [without_secrets, console]
    else:
        json = structlog.processors.JSONRenderer()
        renderers = [structlog.processors.format_exc_info, without_secrets, json]
    structlog.configure(
        processors=[least.drop_event, repeated.drop_event, *shared, *renderers],
        logger_factory=lambda *_: LineLogger(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    handler.addFilter(repeated.filter_record)
    # `force` replaces handlers that a library may have installed at import.
    logging.basicConfig(handlers=[handler], level=max(least.number, logging.WARNING), force=True)
