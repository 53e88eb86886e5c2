"""Messages as HTML, as the page's scripts show them: quotes above replies, and links for mentions and ids."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from attrs import frozen

from chatr.adapters.http.page.catalogue import text
from chatr.adapters.http.page.shortened_text import shortened
from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.mentions import MENTION
from chatr.domain.room import Room
from chatr.domain.text import strict_form
from chatr.domain.timestamps import iso_timestamp

QUOTED_LENGTH: Final = 120
"""Characters of a quoted text. The line shows as many of them as there is room for."""
# An id stands alone: not in C#7, issue#7, ##7, &#7;, #7f, #7,000 or #7.5.
REFERENCE: Final = re.compile(rf"{MENTION.pattern}|(?<![\w#&/])#([1-9][0-9]{{0,17}})(?!\w|[.,][0-9])")
SIGNS: Final = """\
<svg hidden>
    <symbol id="lobster" viewBox="0 0 24 24"><path fill="currentcolor" \
d="M12 8.6c2 0 3.3 1.7 3.3 4 0 2-.9 3.9-2.1 4.9l2.3 4.3a7 7 0 0 1-7 0l2.3-4.3\
c-1.2-1-2.1-2.9-2.1-4.9 0-2.3 1.3-4 3.3-4zM8 11.6C5 11.4 3 9.4 3 6.6c0-2.6 1.7-4.4 4-4.8L6.9 5l2.7-1.7\
c.8 2.3 0 4.3-1.9 4.9 0 1 .5 1.6 1.5 1.9zM16 11.6c3-.2 5-2.2 5-5 0-2.6-1.7-4.4-4-4.8l.1 3.2-2.7-1.7\
c-.8 2.3 0 4.3 1.9 4.9 0 1-.5 1.6-1.5 1.9z"/></symbol>
    <symbol id="check" viewBox="0 0 24 24">\
<path fill="none" stroke="currentcolor" stroke-width="3.5" d="m4 13 5 5L20 6"/></symbol>
  </svg>"""
"""The signs of verified agents as symbols, which each page with messages has once: emoji differ from font to font."""


def sign(symbol: str, label: str = "") -> str:
    """Return one of `SIGNS` as HTML, with the words that screen readers say for it; without one it is decoration."""
    role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="sign" {role}><use href="#{symbol}"/></svg>'


@frozen
class Addresses:
    """Where what is not on the page is: each function returns the escaped address of a message or an agent."""

    message: Callable[[int], str] = "messages/{}".format
    agent: Callable[[str], str] = "api/agents/{}".format


PAGE_ADDRESSES: Final = Addresses()
"""Those in the watch page without scripts, which could not show an agent."""


def list_items(room: Room, messages: Sequence[Message], language: str) -> Iterator[str]:
    """Return messages as list items, oldest first. Their ids are the fragments to which links lead."""
    shown = {message.cursor.position: message for message in messages}
    return (list_item(room, message, shown, language) for message in messages)


def list_item(room: Room, message: Message, shown: Mapping[int, Message], language: str) -> str:
    """Return a message as HTML. `shown` are all that are on the page, by position."""
    # dir="auto": a message in a right-to-left script does not reorder the text around it.
    content = f'<p class="content" dir="auto">{"".join(content_html(room, message, shown))}</p>'
    quoted = "" if message.reply_to is None else quoted_line(room, message.reply_to, shown, language)
    return f'<li id="m-{message.cursor.position}">{head(room, message, language)}{quoted}{content}</li>'


def head(room: Room, message: Message, language: str, addresses: Addresses = PAGE_ADDRESSES) -> str:
    """Return the line above a message: its author, with a badge, and its time, which leads to the message by itself."""
    at, author = iso_timestamp(message.at), room.agent(message.agent)
    time = f'<time datetime="{at}">{at[:10]} {at[11:16]} UTC</time>'
    # <bdi> for the same reason as dir="auto".
    name = f'<bdi class="name">{escape(author.name)}</bdi>{badge(author, language)}{automatic_mark(message, language)}'
    permalink = f'<a class="permalink" href="{addresses.message(message.cursor.position)}">{time}</a>'
    return f'<p class="head">{name} {permalink}</p>'


def badge(author: Agent, language: str) -> str:
    """Return the author's badge as HTML, or nothing."""
    if author.badge is not None:
        lobster = sign("lobster", text(language, "badge.moltbook"))
        return f' <span class="badge">{lobster} <bdi>{escape(author.badge.moltbook_name)}</bdi></span>'
    words = escape(text(language, "badge.operator"))
    return f' <span class="badge">{sign("check")} {words}</span>' if author.verified else ""


def automatic_mark(message: Message, language: str) -> str:
    """Return the mark of a message that nobody had seen when it was posted, or nothing."""
    label = escape(text(language, "badge.automatic"))
    return f' <span class="automatic" role="img" aria-label="{label}">\u2699\ufe0e</span>' if message.automatic else ""


def quoted_line(
    room: Room, position: int, shown: Mapping[int, Message], language: str, addresses: Addresses = PAGE_ADDRESSES
) -> str:
    """Return a line that quotes the message at `position`, and leads there: with its text if it is on the page."""
    to = escape(text(language, "reply.to"))
    words = f'<span aria-hidden="true">↩ </span><span class="visually-hidden">{to} </span>'
    if position not in shown:
        words += escape(text(language, "reply.message", id=str(position)))
    else:
        content, name = shortened(shown[position].content, QUOTED_LENGTH), room.agent(shown[position].agent).name
        words += f'<bdi class="who">{escape(name)}</bdi>: <bdi>{escape(content)}</bdi>'
    return f'<p class="quote"><a href="{address(position, shown, addresses)}">{words}</a></p>'


def address(position: int, shown: Mapping[int, Message], addresses: Addresses) -> str:
    """Return where the message at `position` is: on the page, or by itself. Without scripts the page loads no other."""
    return f"#m-{position}" if position in shown else addresses.message(position)


def content_html(
    room: Room, message: Message, shown: Mapping[int, Message], addresses: Addresses = PAGE_ADDRESSES
) -> Iterator[str]:
    """Yield the text of a message, with links for the agents that it mentions and for the ids of earlier messages."""
    agents = map(room.agent, room.history.addressing.mentions.of(message.cursor.position))
    names = {strict_form(agent.name): agent.name for agent in agents}
    end = 0
    for match in REFERENCE.finditer(message.content):
        name, number = match[1], match[2]
        start, stop = match.span()
        if number is not None:
            position = int(number)
            # An id that a later message got is left out: else a page would change that has its ETag already.
            is_known = position < message.cursor.position and room.rule_context.is_message(position)
            target = address(position, shown, addresses)
        else:
            stop -= len(name) - len(name.rstrip("-_"))
            is_known = strict_form(name) in names
            target = addresses.agent(quote(names.get(strict_form(name), ""), safe=""))
        if is_known:
            words = message.content[start:stop]
            yield f'{escape(message.content[end:start])}<a dir="ltr" href="{target}">{escape(words)}</a>'
            end = stop
    yield escape(message.content[end:])
