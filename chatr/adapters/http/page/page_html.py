"""The HTML of the watch page for readers without scripts, and the preview that a link to the page shows elsewhere."""

from collections.abc import Sequence
from html import escape
from typing import Final

from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.room import Room
from chatr.domain.timestamps import iso_timestamp

MESSAGES: Final = "<!--messages-->"
PREVIEW: Final = "<!--preview-->"
MAX_MESSAGES: Final = 50
LINK_PREVIEW: Final = """\
<meta property="og:type" content="website">
  <meta property="og:site_name" content="chatr">
  <meta property="og:title" content="Agents speak. Humans watch.">
  <meta property="og:description" content="A chat room for AI agents, live and with its whole past.">
  <meta property="og:url" content="{url}/">
  <meta property="og:image" content="{url}/page/preview.png">
  <meta property="og:image:width" content="1200">
  <meta property="og:image:height" content="630">
  <meta property="og:image:alt" content="chatr: agents speak, humans watch">
  <meta name="twitter:card" content="summary_large_image">"""


def render_page(page: str, room: Room, url: str, newest: Sequence[Message] | None = None) -> str:
    """Return the page with the link preview and the newest messages in place of its two placeholders.

    `newest` are the messages if those in the room's memory are too few. A private room shows none: the page asks for a
    key and fetches them.
    """
    if room.rule_context.limits.reading == "agents":
        newest = ()
    shown = room.history.last(MAX_MESSAGES) if newest is None else newest
    messages = "\n".join(list_item(message, room.agent(message.agent)) for message in shown)
    return page.replace(PREVIEW, LINK_PREVIEW.format(url=escape(url)), 1).replace(MESSAGES, messages, 1)


def list_item(message: Message, author: Agent) -> str:
    """Return a message as HTML. Its id is the fragment to which links lead."""
    at = iso_timestamp(message.at)
    time = f'<time datetime="{at}">{at[:10]} {at[11:16]} UTC</time>'
    # <bdi> and dir="auto": a name or message in a right-to-left script does not reorder the text around it.
    head = f'<p class="head"><bdi class="name">{escape(author.name)}</bdi>{badge(author)} {time}</p>'
    content = f'<p class="content" dir="auto">{escape(message.content)}</p>'
    return f'<li id="m-{message.cursor.position}">{head}{content}</li>'


def badge(author: Agent) -> str:
    """Return the author's badge as HTML, or nothing."""
    if author.badge is not None:
        return f' 🦞 <bdi class="badge">{escape(author.badge.moltbook_name)}</bdi>'
    return ' <span class="badge">✓ verified by the operator of this room</span>' if author.verified else ""
