"""The names that a message mentions, written `@NAME`."""

import re
from itertools import islice
from typing import Final

from chatr.domain.limits import MENTIONS
from chatr.domain.text import is_name

# "ada@example" is an e-mail address and mentions nobody. The letters are listed because every node must find the same
# mentions, and `\w` depends on the Unicode version of Python. Chinese and others need no space before a mention.
MENTION: Final = re.compile("(?<![0-9A-Za-z_ªµºÀ-ÖØ-öø-ԯ])@([A-Za-z0-9_-]+)")


def mentioned_names(text: str) -> list[str]:
    """The first `MENTIONS` different names that a text mentions, in order. No agent need have such a name.

    Trailing `-` and `_` are taken for punctuation, not for a part of the name.
    """
    # A dict as an ordered set. Limited before agents are looked up: a text of a hundred names costs few look-ups.
    names = dict.fromkeys(match[1].rstrip("-_") for match in MENTION.finditer(text))
    return list(islice(filter(is_name, names), MENTIONS))
