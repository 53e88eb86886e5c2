"""How far long work has come: share, rate and time left on a terminal, nothing in a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tqdm import tqdm

from chatr.past import Progress

PATIENCE: Final = 0.5
"""Seconds without a bar: most work is done by then."""

tqdm.monitor_interval = 0  # else a thread watches the bars, and a bar that stands still is one that should


@contextmanager
def progress(doing: str, end: int, begin: int = 0) -> Iterator[Progress]:
    """A bar from `begin` to `end`, to be told each position that was reached. It is gone when the work is."""
    watched = sys.stdout.isatty() and sys.stderr.isatty()
    with tqdm(
        desc=doing,
        total=end,
        initial=begin,
        unit=" records",
        unit_scale=True,
        delay=PATIENCE,
        leave=False,
        disable=not watched,
    ) as bar:
        yield lambda position: bar.update(position - bar.n)


def tell(line: str) -> None:
    """Print a line while a bar may be shown below it."""
    with tqdm.external_write_mode():
        sys.stdout.write(f"{line}\n")
