"""Find the texts of messages in whatever may hold them."""

import re
from collections.abc import Collection
from typing import Final

MESSAGE: Final = re.compile(r"(?:@[a-z0-9-]+ )?\d+\.\d+ says [0-9a-f]*")
"""What all messages of a world look like."""


def texts_in(content: bytes | str, erased: Collection[str]) -> set[str]:
    """The erased texts in `content`."""
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    return set(MESSAGE.findall(text)).intersection(erased)
