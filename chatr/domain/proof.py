"""What a Moltbook post must contain to prove that its author vouches for an agent: words that readers of the post see.

A post may be plain text, Markdown or HTML, whatever shows it. Markup that joins or hides letters is undone first, so
that `Ada<b>m</b>` and `Ada**m**` name Adam and not Ada. Where it is not certain that readers see a word, it does not
count: the author can always post the suggested text.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html import unescape
from typing import Final

from attrs import frozen

from chatr.domain.invisible import IGNORED

HIDING: Final = frozenset(
    "blockquote q head title script style template noscript noframes noembed iframe object audio video".split()
)
"""HTML elements that quote, or whose content browsers do not show."""
BLOCKS: Final = frozenset("p br div li ul ol tr td th table h1 h2 h3 h4 h5 h6 pre hr blockquote".split())
"""HTML elements that begin a new line."""

# All patterns are linear in the length of the post. Markup that does not end hides the rest, so a match never fails
# after its beginning and no text is searched twice; the possessive `*+` never goes back.
COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Not an autolink of Markdown, which readers see. An attribute may contain `>`.
TAG: Final = re.compile(
    r"""<(?!https?:)(/?)([a-z][a-z0-9]*|[/!?])(?:[^<>"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*+>?""", re.IGNORECASE
)
HIDDEN: Final = re.compile(r"[\s/\"'](?:hidden|style)\b", re.IGNORECASE)
"""An attribute by which a tag may hide its element, whose end would have to be found: what follows does not count."""
LIST_MARKS: Final = r"^[ \t]*+(?:(?:[-+*]|\d{1,9}[.)])[ \t]++)*+"
# In Markdown the lines up to the next blank one belong to the quote.
QUOTE: Final = re.compile(LIST_MARKS + r">.*(?:\n.*\S.*)*+", re.MULTILINE)
# What Markdown calls a link reference definition, and does not show: `[label]: target "title"`.
DEFINITION: Final = re.compile(
    LIST_MARKS
    + r"""\[[^\]\n]*\]:[ \t]*\n?[ \t]*(?:<[^<>\n]*>|\S++)[ \t]*\n?[ \t]*(?:"[^"]*"|'[^']*'|\([^()]*\))?[ \t]*$""",
    re.MULTILINE,
)
IMAGE: Final = re.compile(r"!\[[^\[\]]*\](?:\([^()\[\]]*\)|\[[^\[\]]*\])")
LINK_TARGET: Final = re.compile(r"""\]\((?:"[^"]*"|'[^']*'|\([^()]*\)|[^()])*+\)?|\]\[[^\[\]\n]*\]""")
"""Address and title of a link, or the label of its definition."""
ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
# Not the underscore, which is part of names: Markdown leaves it inside words, and `name_in` allows it around them.
INVISIBLE: Final = re.compile(f"[*`~{IGNORED}]")
MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""Combining marks, which make another letter of the one before them."""


@frozen
class ProofWords:
    """The words of a proof: the code in brackets, the name of the agent, and the host of the room.

    `name` is None for codes of older versions, which are a proof by themselves; `host` is empty for a room without a
    public URL. `purpose` is a word that says what the proof is for; empty for a badge.
    """

    code: str
    name: str | None = None
    host: str = ""
    purpose: str = ""

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
        if self.purpose and not name_in(seen, self.purpose):
            yield f"the word {self.purpose}"


def visible_text(post: str) -> str:
    """The text that readers of a post see, without what it quotes, whether it is HTML or Markdown."""
    text = unescape(without_tags(COMMENT.sub("", post)))
    for unseen in (QUOTE, DEFINITION, IMAGE):
        text = unseen.sub("", text)
    text = LINK_TARGET.sub("]", text)
    return unicodedata.normalize("NFC", INVISIBLE.sub("", ESCAPE.sub(r"\1", text)))


def without_tags(html: str) -> str:
    """HTML without tags, and without the content of the elements in HIDING."""
    parts: list[str] = []
    open_hiding: Counter[str] = Counter()
    start = 0
    for tag in TAG.finditer(html):
        if not open_hiding.total():
            parts.append(html[start : tag.start()])
        start, name = tag.end(), tag[2].lower()
        if HIDDEN.search(tag[0]):
            return "".join(parts)
        if name in HIDING:
            open_hiding[name] = max(0, open_hiding[name] + (-1 if tag[1] else 1))
        if name in BLOCKS:
            parts.append("\n")
    if not open_hiding.total():
        parts.append(html[start:])
    return "".join(parts)


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


@frozen
class Profile:
    """What Moltbook returned about an account.

    `name` is spelled as on Moltbook, `claimed` is true if the account has a verified owner, `owner` is that owner's
    X handle, and `proof` is the id of a post that contains the code and the other words; None = there is none.
    `missing` is what a post with the code lacks, in words. `account_id` is Moltbook's id of the account, if it has one.
    """

    name: str
    claimed: bool
    owner: str | None
    proof: str | None
    missing: tuple[str, ...] = ()
    account_id: str | None = None
