"""What a Moltbook post must contain to prove that its author verifies an agent: words that readers of the post see.

A post may be plain text, Markdown or HTML, whatever shows it. Markup that joins or hides letters is undone first, so
that `Ada<b>m</b>` and `Ada**m**` name Adam and not Ada. Everything here is linear in the length of the post.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from typing import Final

from attrs import frozen

from chatr.domain.text import IGNORED

UNSEEN_ELEMENT: Final = re.compile(
    r"<(/?)(blockquote|q|head|title|script|style|template|noscript|noframes|noembed|iframe|object|audio|video)\b[^<>]*>",
    re.IGNORECASE,
)
"""Elements that quote, or that browsers do not show."""
HIDDEN_REST: Final = re.compile(r"<[a-z][^<>]*\s(?:hidden|style)\b.*", re.IGNORECASE | re.DOTALL)
"""From the first tag that may hide its element, whose end would have to be found."""
BLOCK_TAG: Final = re.compile(r"</?(?:p|br|div|li|ul|ol|tr|td|th|table|h[1-6]|pre|hr)\b[^<>]*>", re.IGNORECASE)
# Not an autolink of Markdown, which readers see.
TAG: Final = re.compile(r"<(?!https?:)[a-z/!?][^<>]*>", re.IGNORECASE)
QUOTED_LINE: Final = re.compile(r"^[ \t]{0,3}>.*$", re.MULTILINE)
# Both stand in Markdown only, and readers do not see them.
IMAGE: Final = re.compile(r"!\[[^\[\]]*\](?:\([^()\[\]]*\)|\[[^\[\]]*\])")
LINK_DEFINITION: Final = re.compile(r"^[ \t]{0,3}\[[^\[\]\n]+\]:.*$", re.MULTILINE)
LINK_TARGET: Final = re.compile(r"\]\([^()\[\]]*\)")
ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
# Not the underscore, which is part of names: Markdown leaves it inside words, and `name_in` allows it around them.
INVISIBLE: Final = re.compile(f"[*`~{IGNORED}]")
MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""Combining marks, which make another letter of the one before them."""


@frozen
class ProofWords:
    """The words of a proof: the code in brackets, the name of the agent, and the host of the room.

    `name` is None for codes of older versions, which are a proof by themselves; `host` is empty for a room without a
    public URL.
    """

    code: str
    name: str | None = None
    host: str = ""

    def missing_from(self, post: str) -> tuple[str, ...] | None:
        """What a post lacks beside the code, in words; empty if it is a proof, None if it does not have the code."""
        mark = f"[{self.code}]"
        if self.name is None:
            return () if mark in post else None
        seen = visible_text(post)
        if mark not in seen:
            return None
        return tuple(self._missing(self.name, seen))

    def _missing(self, name: str, seen: str) -> Iterator[str]:
        if not name_in(seen, name):
            yield f"the agent's name {name}"
        if self.host and not host_in(seen, self.host):
            yield f"the host {self.host}"


def visible_text(post: str) -> str:
    """The text that readers of a post see, without what it quotes, whether it is HTML or Markdown."""
    seen = without_unseen_elements(HIDDEN_REST.sub("", post))
    text = unescape(TAG.sub("", BLOCK_TAG.sub("\n", seen)))
    for unseen in (QUOTED_LINE, LINK_DEFINITION, IMAGE):
        text = unseen.sub("", text)
    text = LINK_TARGET.sub("]", text)
    return unicodedata.normalize("NFC", INVISIBLE.sub("", ESCAPE.sub(r"\1", text)))


def without_unseen_elements(html: str) -> str:
    """HTML without the content of elements that quote or are not shown. One that is not closed ends with the post."""
    open_elements: list[str] = []
    # `split` returns what is between the tags, and the slash (or "") and the name of each tag.
    first, *rest = UNSEEN_ELEMENT.split(html)
    parts = [first]
    for slash, name, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if not slash:
            open_elements.append(name.lower())
        elif open_elements and open_elements[-1] == name.lower():
            open_elements.pop()
        if not open_elements:
            parts.append(text)
    return "\n".join(parts)


def name_in(text: str, name: str) -> bool:
    """Whether a text names an agent, ignoring case: as a whole word, not as a part of a name, a path or a host.

    The word may stand in underscores of Markdown, the same number on both sides.
    """
    pattern = rf"(?<![\w./-])(_{{0,3}}){re.escape(name)}\1(?![\w/{MARKS}-]|[.@:]\w)"
    return re.search(pattern, text, re.IGNORECASE) is not None


def host_in(text: str, host: str) -> bool:
    """Whether a text contains a host, ignoring case: as a whole, not in a path, nor before the @ of another host."""
    pattern = rf"(?<![\w.@-])(?<!\w/){re.escape(host)}(?![\w@{MARKS}-]|\.\w|:[^\s/@]{{0,64}}@)"
    return re.search(pattern, text, re.IGNORECASE) is not None
