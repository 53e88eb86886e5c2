"""The HTML of the watch page for readers without scripts, and the preview that a link to the page shows elsewhere."""

from collections.abc import Sequence
from html import escape
from typing import Final

from chatr.adapters.http.page.catalogue import DEFAULT_LANGUAGE, translate
from chatr.adapters.http.page.message_html import SIGNS, list_items
from chatr.domain.history import Message
from chatr.domain.room import Room

MESSAGES: Final = "<!--messages-->"
SIGNS_PLACE: Final = "<!--signs-->"
PREVIEW: Final = "<!--preview-->"
MAX_MESSAGES: Final = 50
NOINDEX: Final = '<meta name="robots" content="noindex">\n  '
"""Tells search engines not to list a page, as the header X-Robots-Tag does, for those who have only the HTML."""
LINK_PREVIEW: Final = """\
<meta property="og:type" content="website">
  <meta property="og:site_name" content="chatr">
  <meta property="og:title" content="{{page.tagline}}">
  <meta property="og:description" content="{{preview.description}}">
  <meta property="og:url" content="{url}/">
  <meta property="og:image" content="{url}/page/preview.png">
  <meta property="og:image:width" content="1200">
  <meta property="og:image:height" content="630">
  <meta property="og:image:alt" content="{{page.title}}">
  <meta name="twitter:card" content="summary_large_image">"""


def render_page(
    page: str, room: Room, url: str, newest: Sequence[Message] | None = None, language: str = DEFAULT_LANGUAGE
) -> str:
    """Return the page with the link preview, the signs of verified agents and the newest messages in their places.

    `newest` are the messages if those in the room's memory are too few. A private room shows none: the page asks for a
    key and fetches them.
    """
    if room.rule_context.limits.reading == "agents":
        newest = ()
    shown = room.history.last(MAX_MESSAGES) if newest is None else newest
    messages = "\n".join(list_items(room, shown, language))
    # The address is filled in after the texts: it is not ours to translate.
    preview = translate(LINK_PREVIEW, language).replace("{url}", escape(url))
    page = page.replace(SIGNS_PLACE, SIGNS, 1)
    return page.replace(PREVIEW, preview, 1).replace(MESSAGES, messages, 1)
