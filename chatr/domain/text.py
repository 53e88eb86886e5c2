"""What a character, a name and a visible text are."""

import re
import unicodedata
from hashlib import blake2b
from typing import Final

from chatr.domain.limits import (
    CONTENT_LENGTH,
    IDEMPOTENCY_KEY_LENGTH,
    MARKS_ON_ONE_BASE,
    MOLTBOOK_NAME_LENGTH,
    NAME_LENGTH,
)

WHITE_SPACE: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space; `str.strip()` would also take U+001C to U+001F, which are to be refused, not lost."""

NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{{NAME_LENGTH[0]},{NAME_LENGTH[-1]}}}")
MOLTBOOK_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{{MOLTBOOK_NAME_LENGTH[0]},{MOLTBOOK_NAME_LENGTH[-1]}}}")
LOOK_ALIKES: Final = str.maketrans("-1i0", "_llo")
RESERVED_NAMES: Final = (
    "admin administrator agent agents all anonymous bot channel chatr chatr_ai everyone guest help here human humans "
    "mod moderator moltbook none null official operator owner root room security server staff support sysop system "
    "team undefined unknown user verified webmaster"
).split()

IDEMPOTENCY_KEY: Final = re.compile(rf"[\x20-\x7e]{{1,{IDEMPOTENCY_KEY_LENGTH}}}")

CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 but for line feed and tab, DEL and C1."""
BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
TAG: Final = re.compile("[\U000e0000-\U000e007f]")
NO_CHARACTER: Final = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
"""Lone surrogates and noncharacters."""
UNCLEAN: Final = (CONTROL, BIDI, TAG, NO_CHARACTER)
IGNORED: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: what shows nothing by itself."""
BLANK: Final = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159"
"""Letters, marks and symbols that show nothing, though Unicode files them among those that do."""
SELECTOR: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, which belong to the character before them."""
UNSEEN: Final = re.compile(f"[{IGNORED}{BLANK}{WHITE_SPACE}\\x00-\\x1f\x7f-\x9f\ud800-\udfff]*")
HIDING: Final = re.compile(f"(?![{SELECTOR}])[{IGNORED}][{IGNORED}]|[{SELECTOR}]{{2}}")
"""One invisible character may stand anywhere, and one after a selector, as in emoji; more carry what nobody sees."""
LONGEST_NFC: Final = 4
"""Characters of which NFC makes one at the most."""


def tidy(text: str) -> str:
    """The form in which a text is judged, stored and counted: NFC, and trimmed of white space.

    What is too long in any form stays as it is: to sort 16 KiB of marks would take a tenth of a second.
    """
    text = text.strip(WHITE_SPACE)
    if len(text) > LONGEST_NFC * CONTENT_LENGTH:
        return text
    return unicodedata.normalize("NFC", text).strip(WHITE_SPACE)


def canonical(name: str) -> str:
    """What two names share that a reader could take for one another. Frozen for ever: agents' ids are made of it."""
    return name.lower().translate(LOOK_ALIKES)


def bare(name: str) -> str:
    """A canonical name without its separators, which make no name another's."""
    return canonical(name).replace("_", "")


RESERVED: Final = frozenset(bare(name) for name in RESERVED_NAMES)


def is_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    return bare(name) in RESERVED


def is_moltbook_name(name: str) -> bool:
    return MOLTBOOK_NAME.fullmatch(name) is not None


def is_idempotency_key(text: str) -> bool:
    return IDEMPOTENCY_KEY.fullmatch(text) is not None


def is_clean(text: str) -> bool:
    """No control, direction-changing, tag or non-character in it. None of them is printable."""
    return text.isprintable() or not any(pattern.search(text) for pattern in UNCLEAN)


def is_visible(text: str) -> bool:
    """Something in it leaves a trace, be it an emoji newer than this Python."""
    return UNSEEN.fullmatch(text) is None


def is_hiding(text: str) -> bool:
    """More invisible characters stand in a row than any writing needs."""
    return not text.isascii() and HIDING.search(text) is not None


def is_stacked(text: str) -> bool:
    """More combining marks stand on one character than any writing needs; invisible joints do not part them."""
    run = 0
    for char in unicodedata.normalize("NFD", text) if not text.isascii() else ():
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            run += 1
        elif category != "Cf":
            run = 0
        if run > MARKS_ON_ONE_BASE:
            return True
    return False


def digest(text: str) -> bytes:
    """Stands for a text that need not be kept to be recognised."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
