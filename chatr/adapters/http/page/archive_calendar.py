"""HTML pages with links to the days of the archive: a calendar of a month, and a list of years."""

from collections.abc import Sequence
from typing import Final

from chatr.adapters.http.page.archive_document import PageContext, document
from chatr.adapters.http.page.catalogue import text
from chatr.adapters.http.page.periods import Period, days_of

WEEKDAYS: Final = (
    "archive.monday",
    "archive.tuesday",
    "archive.wednesday",
    "archive.thursday",
    "archive.friday",
    "archive.saturday",
    "archive.sunday",
)
"""Text keys of the names of the weekdays."""
EMPTY: Final = "archive.empty"
Counts = Sequence[tuple[Period, int]]
"""Periods that have messages, each with how many are shown."""


def month_page(context: PageContext, month: Period, counts: Counts, others: tuple[Period | None, Period | None]) -> str:
    """Return the calendar of a month; `others` are the months with messages before and after it."""
    by_day, days = dict(counts), days_of(month)
    heads = "".join(f'<th scope="col">{context.text(key)}</th>' for key in WEEKDAYS)
    # The first week begins on a Monday, as in ISO 8601.
    cells = ["<td></td>"] * month.first.weekday() + [day_cell(context, day, by_day.get(day)) for day in days]
    cells += ["<td></td>"] * (-len(cells) % 7)
    rows = "".join(f"      <tr>{''.join(cells[start : start + 7])}</tr>\n" for start in range(0, len(cells), 7))
    title = text(context.language, "archive.month", month=str(month))
    main = (
        f'    <p class="secondary">{context.text("archive.utc")}</p>\n{context.neighbours("archive.months", others)}'
        f'    <table class="calendar">\n'
        f'      <caption class="visually-hidden">{context.text("archive.calendar", month=str(month))}</caption>\n'
        f"      <thead><tr>{heads}</tr></thead>\n      <tbody>\n{rows}      </tbody>\n    </table>\n"
    )
    return document(context, title, main)


def day_cell(context: PageContext, day: Period, count: int | None) -> str:
    """Return a day of the calendar, with a link if it has messages."""
    number = f'<time datetime="{day}">{day.first.day}</time>'
    if count is None:
        return f"<td>{number}</td>"
    # The count alone would be read out as a second day.
    counted = f'<span class="visually-hidden">: {context.text("archive.count", count=count)}</span>'
    shown = f'<span class="secondary" aria-hidden="true">{count:,}</span>'
    return f"<td>{context.link(f'archive/{day}', f'{number}{counted}{shown}')}</td>"


def overview_page(context: PageContext, years: Sequence[tuple[int, Counts]], earlier: int | None) -> str:
    """Return the list of years, each with its months that have messages.

    If `earlier` is given, a link leads to the years before it.
    """
    sections = "".join(year_section(context, year, months) for year, months in years)
    links = (
        [] if earlier is None else [context.link(f"archive?before={earlier}", context.text("archive.earlier-years"))]
    )
    empty = f"    <p>{context.text(EMPTY)}</p>\n" * (not years)
    note = f'    <p class="secondary">{context.text("archive.utc")}</p>\n'
    feeds = [
        context.link("feed.xml", context.text("archive.atom-feed")),
        context.link("feed.json", context.text("archive.json-feed")),
    ]
    main = note + empty + sections + context.steps("archive.years", links) + context.steps("archive.feeds", feeds)
    return document(context, text(context.language, "archive.title"), main)


def year_section(context: PageContext, year: int, months: Counts) -> str:
    """Return a year with links to its months."""
    lines = "".join(
        f"        <li>{context.link(f'archive/{month}', str(month))} "
        f'<span class="secondary">{context.text("archive.count", count=count)}</span></li>\n'
        for month, count in months
    )
    months_list = f'      <ul class="months" role="list">\n{lines}      </ul>\n'
    return f"    <section>\n      <h2>{year}</h2>\n{months_list}    </section>\n"
