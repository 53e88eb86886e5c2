"""What an API key looks like: `chatr_`, 30 random base62 characters, and 6 of CRC-32 over all that precedes.

The checksum tells a mistyped key without a look-up, and a key in a message from a word that happens to look like one.
"""

import re
from hashlib import sha256
from typing import Final
from zlib import crc32

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX: Final = "chatr_"
RANDOM_LENGTH: Final = 30
CHECKSUM_LENGTH: Final = 6
KEY: Final = re.compile(rf"({PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")
KEY_INSIDE: Final = re.compile(f"(?={KEY.pattern})")


def checksum(text: str) -> str:
    value, digits = crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def key_of(random: str) -> str:
    """The key made of 30 random base62 characters."""
    return PREFIX + random + checksum(PREFIX + random)


def is_key(text: str) -> bool:
    found = KEY.fullmatch(text)
    return found is not None and checksum(found[1]) == found[2]


def contains_key(text: str) -> bool:
    return PREFIX in text and any(checksum(found[1]) == found[2] for found in KEY_INSIDE.finditer(text))


def digest_of(key: str) -> str:
    """What is kept of a key. It has too much entropy to need a slow hash."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()
