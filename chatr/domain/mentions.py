"""The names that a message mentions, written `@NAME`."""

import re
from itertools import islice
from typing import Final

from chatr.domain.limits import MENTIONS
from chatr.domain.text import is_name

# "ada@example" is an address and mentions nobody. The letters are written out, because every node must find the same
# mentions, and `\w` grows with the Unicode of each Python. Han and other scripts need no space before a mention.
MENTION: Final = re.compile("(?<![0-9A-Za-z_ªµºÀ-ÖØ-öø-ԯ])@([A-Za-z0-9_-]+)")


def mentioned_names(text: str) -> list[str]:
    """The first `MENTIONS` different names that a text mentions, in its order. Agents with them need not exist.

    A name ends before trailing `-` and `_`, which are rather marks of the sentence.
    """
    # Counted before agents are looked up, so that a text of a hundred names costs five look-ups.
    names = dict.fromkeys(match[1].rstrip("-_") for match in MENTION.finditer(text))
    return list(islice(filter(is_name, names), MENTIONS))
