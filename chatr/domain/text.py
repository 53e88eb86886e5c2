"""Properties of texts: allowed characters, the form of names, and what counts as visible.

Sets of characters that Unicode defines are written out, as Python's `unicodedata` does not know these properties.
"""

import re
import unicodedata
from typing import Final

from chatr.domain.invisible import IGNORED, has_isolates_in_pairs, without_flags
from chatr.domain.limits import (
    CONTENT_LENGTH,
    IDEMPOTENCY_KEY_LENGTH,
    MARKS_ON_ONE_BASE,
    MOLTBOOK_NAME_LENGTH,
    NAME_LENGTH,
)

# `str.strip()` would also remove U+001C to U+001F, which a rule must see and reject.
WHITE_SPACE: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space."""

NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{{NAME_LENGTH[0]},{NAME_LENGTH[-1]}}}")
MOLTBOOK_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{{MOLTBOOK_NAME_LENGTH[0]},{MOLTBOOK_NAME_LENGTH[-1]}}}")
LOOK_ALIKES: Final = str.maketrans("-1i0", "_llo")
"""Characters that readers take for one another, each with the one that stands for all of them."""
RESERVED_NAMES: Final = (
    "admin admins administrator administrators agent agents all anonymous bot channel chatr chatr_ai everyone "
    "guest help here human humans mod moderator moderators mods moltbook none null official operator operators "
    "owner root room security server staff support sysop system team undefined unknown user verified webmaster"
).split()
"""Names that would let an agent pass for the operator, the server, Moltbook or everybody."""

IDEMPOTENCY_KEY: Final = re.compile(rf"[\x20-\x7e]{{1,{IDEMPOTENCY_KEY_LENGTH}}}")

CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 except line feed and tab, DEL, and C1."""
# They can reverse the text around them on the screen.
BIDI: Final = re.compile("[\u202a-\u202e]")
"""Embeddings and overrides of the direction of text. No formatter makes them; isolates took their place."""
ANNOTATION: Final = re.compile("[\ufff9-\ufffb]")
"""Interlinear annotations, whose text is not shown everywhere."""
# A message could hide orders in them from the people who watch, and not from the agents.
TAG: Final = re.compile("[\U000e0000-\U000e007f]")
"""Invisible copies of ASCII."""
NO_CHARACTER: Final = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
"""Lone surrogates and noncharacters."""
FORBIDDEN: Final = (CONTROL, BIDI, ANNOTATION, NO_CHARACTER)
BLANK: Final = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159"
"""Letters, marks and symbols that show nothing, although their Unicode category says that they do."""
UNCLEAN: Final = (
    "direction controls (except isolates in pairs), tags (except in flags), annotations, non-characters, or invisible "
    "characters in a row (except two direction marks, or one zero-width space or non-joiner twice)"
)
"""What no text may contain besides control characters, in the words of the rules."""
ONLY_INVISIBLE: Final = re.compile(f"[{IGNORED}{BLANK}{WHITE_SPACE}\\x00-\\x1f\x7f-\x9f\ud800-\udfff]*")
# Whatever the page or a transcript puts beside the name of a verified agent, and what looks like it.
BADGE: Final = re.compile(
    "[\N{LOBSTER}\N{CHECK MARK}\N{HEAVY CHECK MARK}\N{LIGHT CHECK MARK}\N{WHITE HEAVY CHECK MARK}\N{NOT CHECK MARK}"
    "\N{AEGEAN CHECK MARK}\N{INVERSE CHECK MARK}\N{BALLOT BOX WITH CHECK}\N{BALLOT BOX WITH BOLD CHECK}\N{SQUARE ROOT}]"
)
"""The badge, and characters that look like a badge, with or without a variation selector after them."""
LONGEST_NFC: Final = 4
"""NFC composes at most this many characters into one."""


def normalize(text: str) -> str:
    """The form in which a text is judged, stored and counted: NFC, without white space around it."""
    text = text.strip(WHITE_SPACE)
    # Too long in any form, so left for the length rule: NFC of 16 KiB of combining marks would take 100 ms.
    if len(text) > LONGEST_NFC * CONTENT_LENGTH:
        return text
    return unicodedata.normalize("NFC", text).strip(WHITE_SPACE)


def canonical(name: str) -> str:
    """A form that is the same for names that differ in case, `-` and `_`, `1`, `i` and `l`, or `0` and `o`.

    Frozen for ever: the ids of agents of older versions are made of it.
    """
    return name.lower().translate(LOOK_ALIKES)


def strict_form(name: str) -> str:
    """The form that is the same for all names that look alike: canonical, without separators, `vv` as `w`, `rn` as `m`.

    Frozen for ever: the ids of agents are made of it.
    """
    # First all as `vv`, so that `vw`, `wv` and `vvv` have one form.
    return canonical(name).replace("_", "").replace("w", "vv").replace("vv", "w").replace("rn", "m")


RESERVED: Final = frozenset(map(strict_form, RESERVED_NAMES))
AUTHORITIES: Final = (
    "admin admins administrator administrators chatr chatr_ai mod moderator moderators mods moltbook official "
    "operator operators owner root staff support sysop system webmaster"
).split()
AUTHORITY: Final = "|".join(map(strict_form, AUTHORITIES))
EMPHASIS: Final = "|".join(map(strict_form, "channel real room security server team the verified".split()))
NAME_OF_AUTHORITY: Final = re.compile(f"(?:{EMPHASIS})*(?:{AUTHORITY})(?:{AUTHORITY}|{EMPHASIS})*")
"""Strict forms of words that mean authority, alone, together or with emphasis: `chatr_official`, `the_real_admin`."""


def is_name(name: str) -> bool:
    """Whether an agent's name has an allowed length and only allowed characters."""
    return NAME.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    """Whether a name looks like a reserved one, also after `the`, or like words of authority, also with a number.

    `bot1` and `agent-007` are names like any other.
    """
    plain = name.lower().replace("-", "").replace("_", "")
    if not RESERVED.isdisjoint(map(strict_form, (plain, plain.removeprefix("the")))):
        return True
    words = (plain, plain.rstrip("0123456789"))
    return any(NAME_OF_AUTHORITY.fullmatch(strict_form(each)) for each in words)


def is_moltbook_name(name: str) -> bool:
    """Whether the name of a Moltbook account has an allowed length and only allowed characters."""
    return MOLTBOOK_NAME.fullmatch(name) is not None


def is_idempotency_key(text: str) -> bool:
    """Whether a text can be an idempotency key: printable ASCII of an allowed length."""
    return IDEMPOTENCY_KEY.fullmatch(text) is not None


def is_clean(text: str) -> bool:
    """Whether a text has no control, direction, annotation or noncharacter, and no isolate or tag out of place."""
    # None of them is printable, and `isprintable` is faster than all these searches.
    return text.isprintable() or (
        not any(pattern.search(text) for pattern in FORBIDDEN)
        and TAG.search(without_flags(text)) is None
        and has_isolates_in_pairs(text)
    )


def is_one_line(text: str) -> bool:
    """Whether a text has no tab and none of the characters at which a reader may break a line."""
    return "\t" not in text and text.splitlines() in ([], [text])


def has_badge(text: str) -> bool:
    """Whether a text contains the badge of verified agents or something that looks like one."""
    return BADGE.search(text) is not None


def is_visible(text: str) -> bool:
    """Whether anything of a text can be seen. Characters newer than this Python count as visible."""
    return ONLY_INVISIBLE.fullmatch(text) is None


def has_stacked_marks(text: str) -> bool:
    """Whether a character of a text has more combining marks than any writing needs."""
    run = 0
    # NFD, because a mark counts also where NFC has composed it with its base. ASCII has no marks.
    for char in unicodedata.normalize("NFD", text) if not text.isascii() else ():
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            run += 1
        elif category != "Cf":
            # Format characters show nothing, so marks on both sides of one are still a single stack.
            run = 0
        if run > MARKS_ON_ONE_BASE:
            return True
    return False
