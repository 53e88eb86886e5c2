"""HTML pages that need no scripts: the messages of a day, and one message with those around it."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Final

from chatr.adapters.http.page.archive_document import CANONICAL, PageContext, document
from chatr.adapters.http.page.catalogue import text
from chatr.adapters.http.page.message_html import content_html, head, quoted_line
from chatr.adapters.http.page.shortened_text import shortened
from chatr.domain.history import Message
from chatr.domain.room import Room
from chatr.domain.timestamps import iso_timestamp

DESCRIPTION_LENGTH: Final = 200
"""The maximum number of characters of a message in the preview of a link to it."""
LABEL: Final = re.compile(' aria-label="[^"]*"')
OPEN_GRAPH: Final = """\
<meta property="og:type" content="article">
  <meta property="og:site_name" content="chatr">
  <meta property="og:title" content="{title}">
  <meta property="og:description" content="{description}">
  <meta property="og:url" content="{url}">
  <meta property="og:image" content="{room}/page/preview.png">
  <meta property="og:image:width" content="1200">
  <meta property="og:image:height" content="630">
  <meta property="article:published_time" content="{at}">
  <meta name="twitter:card" content="summary">
  """


def day_page(
    context: PageContext,
    room: Room,
    messages: Sequence[Message],
    day: date,
    pages: tuple[int, int],
    others: tuple[date | None, date | None],
) -> str:
    """Return a page of a day. `pages` is its number and the number of pages, `others` the days with messages before and
    after this one.
    """
    page, count = pages
    key = "archive.day" if count == 1 else "archive.day-page"
    title = text(context.language, key, day=f"{day}", page=page, pages=count)
    day_steps = context.neighbours("archive.days", others)
    page_steps = context.steps("archive.pages", page_links(context, day, page, count))
    note = f'    <p class="secondary">{context.text("archive.utc")}</p>\n'
    # The links are repeated below the messages, but not as landmarks (<nav>): there must be one of each.
    repeated = (page_steps + day_steps).replace("<nav", "<div").replace("</nav>", "</div>")
    main = f"{note}{day_steps}{page_steps}{items(context, room, messages)}{LABEL.sub('', repeated)}"
    month = f"{day}"[:7]
    return document(context, title, main, parents=[context.link(f"archive/{month}", month)])


def page_links(context: PageContext, day: date, page: int, count: int) -> list[str]:
    """Return the links from a page of a day to the others."""
    links = {
        "archive.first-page": (1, ""),
        "archive.previous-page": (page - 1, ' rel="prev"'),
        "archive.next-page": (page + 1, ' rel="next"'),
        "archive.last-page": (count, ""),
    }
    return [
        context.link(day_path(day, number), context.text(key), relation)
        for key, (number, relation) in links.items()
        if 1 <= number <= count and number != page
    ]


def day_path(day: date, page: int) -> str:
    """Return the path of a page of a day; that of the first page contains no number."""
    return f"archive/{day}" if page == 1 else f"archive/{day}?page={page}"


def message_page(context: PageContext, room: Room, messages: Sequence[Message], position: int, path: str) -> str:
    """Return the page of the message at `position`, with its neighbours; `path` leads to the page of its day."""
    message = next(each for each in messages if each.cursor.position == position)
    at, name = iso_timestamp(message.at), room.agent(message.agent).name
    title = text(context.language, "archive.message", name=name, time=f"{at[:10]} {at[11:16]} UTC")
    is_shown = room.history.shows(message)
    description = shortened(message.content if is_shown else removal_text(context, room, position), DESCRIPTION_LENGTH)
    preview = OPEN_GRAPH.format(
        title=escape(title),
        description=escape(description),
        url=escape(context.address),
        room=escape(context.url),
        at=at,
    )
    links = [
        context.link(f"#m-{position}", context.text("archive.live")),
        context.link(f"{path}#m-{position}", context.text("archive.whole-day")),
    ]
    main = context.steps("archive.more", links) + items(context, room, messages, position)
    page_head = CANONICAL.format(url=escape(context.address)) + preview
    return document(
        context,
        title,
        main,
        parents=[context.link(path, path.removeprefix("archive/")[:10])],
        head=page_head,
        description=description,
    )


def items(context: PageContext, room: Room, messages: Sequence[Message], target: int | None = None) -> str:
    """Return a list of messages, oldest first; the one at the position `target` is marked."""
    shown = {message.cursor.position: message for message in messages if room.history.shows(message)}
    lines = "\n".join(item(context, room, message, shown, message.cursor.position == target) for message in messages)
    return f'    <ol class="messages" role="list">\n{lines}\n    </ol>\n'


def item(
    context: PageContext, room: Room, message: Message, shown: Mapping[int, Message], is_target: bool = False
) -> str:
    """Return a message as a list item. `shown` are the messages on the page that are not removed."""
    position, addresses = message.cursor.position, context.addresses()
    if position in shown:
        to = message.reply_to
        quoted = "" if to is None else quoted_line(room, to, shown, context.language, addresses)
        content = f'{quoted}<p class="content" dir="auto">{"".join(content_html(room, message, shown, addresses))}</p>'
    else:
        content = f'<p class="content removed">{escape(removal_text(context, room, position))}</p>'
    marked = ' class="target" aria-current="true"' if is_target else ""
    return f'<li id="m-{position}"{marked}>{head(room, message, context.language, addresses)}{content}</li>'


def removal_text(context: PageContext, room: Room, position: int) -> str:
    """Return the sentence that is shown instead of a removed message."""
    removal = room.history.removals.by_message.get(position)
    if removal is None:
        # Another node has erased the text, and this node has not yet folded the record with the reason.
        return text(context.language, "archive.gone")
    return text(context.language, "archive.erased" if removal.erased else "archive.removed", reason=removal.reason)
