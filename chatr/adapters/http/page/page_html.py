"""The HTML of the watch page for readers without scripts, and the preview that a link to the page shows elsewhere."""

from collections.abc import Sequence
from html import escape
from typing import Final

from chatr.adapters.http.page.message_html import list_items
from chatr.domain.history import Message
from chatr.domain.room import Room

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
    messages = "\n".join(list_items(room, shown))
    return page.replace(PREVIEW, LINK_PREVIEW.format(url=escape(url)), 1).replace(MESSAGES, messages, 1)
