"""A progress bar for long work: share, rate and time left on a terminal, nothing in a pipe."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from chatr.past.replay import Progress

# Its variables are meant for other programs, and one with a wrong value, as TQDM_MININTERVAL=x, ends the import.
for name in [each for each in os.environ if each.startswith("TQDM_")]:
    del os.environ[name]
from tqdm import tqdm  # noqa: E402 -- see above

BAR_DELAY: Final = 0.5
"""Seconds of work before the bar appears. Most work has ended by then, and a bar would only flicker."""

# Disables the thread with which tqdm redraws bars that do not advance: such a bar shows that the work is stuck.
tqdm.monitor_interval = 0


@contextmanager
def progress(label: str, end: int, begin: int = 0, *, delay: float | None = None) -> Iterator[Progress]:
    """Show a bar from position `begin` to `end`, and remove it when the block ends.

    Yields a function to call with each position that is reached. `delay` replaces BAR_DELAY.
    """
    on_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    with tqdm(
        desc=label,
        total=end,
        initial=begin,
        unit=" records",
        unit_scale=True,
        delay=BAR_DELAY if delay is None else delay,
        leave=False,
        disable=not on_terminal,
    ) as bar:
        yield lambda position: bar.update(position - bar.n)


@contextmanager
def open_ended_progress(label: str) -> Iterator[Callable[[int, int | None], object]]:
    """As `progress`, for work whose end is not known at first.

    Yields a function to call with each position that is reached, and with the end, or None while it is not known.
    """
    on_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    with tqdm(
        desc=label, unit=" records", unit_scale=True, delay=BAR_DELAY, leave=False, disable=not on_terminal
    ) as bar:

        def show(position: int, end: int | None) -> None:
            bar.total = end
            bar.update(position - bar.n)

        yield show


def print_above_bar(line: str) -> None:
    """Print a line to standard output; a bar that is shown moves below it."""
    with tqdm.external_write_mode():
        sys.stdout.write(f"{line}\n")
