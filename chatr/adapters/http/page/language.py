"""The language of a page: the one that its address names, else the one that the browser prefers."""

from collections.abc import Iterator
from typing import Final

from aiohttp import hdrs, web

from chatr.adapters.http.page.catalogue import DEFAULT_LANGUAGE, LANGUAGES

PARAMETER: Final = "language"
TRADITIONAL: Final = frozenset({"hant", "tw", "hk", "mo"})
"""Subtags of Chinese that mean traditional characters, unless the script is named: zh-Hans-HK is simplified."""


def requested_language(request: web.BaseRequest) -> str:
    """Return the language in which a page is requested, one of `LANGUAGES`."""
    named = request.query.get(PARAMETER, "")
    return named if named in LANGUAGES else preferred_language(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


def preferred_language(accept_language: str) -> str:
    """Return the first language that an Accept-Language header prefers (RFC 9110, 12.5.4), or English."""
    ranges = [subtags for _, subtags in sorted(weighted_ranges(accept_language), key=lambda each: -each[0])]
    reads_traditional = False
    for subtags in ranges:
        primary, rest = subtags[0], set(subtags[1:])
        if primary in ("en", "*"):
            return DEFAULT_LANGUAGE
        if primary != "zh":
            continue
        is_traditional = "hans" not in rest and bool(rest & TRADITIONAL)
        if not is_traditional and (rest or not reads_traditional):
            return "zh-Hans"
        # Browsers set to zh-TW send "zh" as well, which then does not mean simplified characters.
        reads_traditional = True
    return DEFAULT_LANGUAGE


def weighted_ranges(accept_language: str) -> Iterator[tuple[float, list[str]]]:
    """Yield the weight and the subtags of each range of the header, except malformed and refused ones."""
    for part in accept_language.lower().split(","):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.partition("=")[2] or 1)
        except ValueError:
            continue
        if quality > 0 and tag.strip():
            yield quality, tag.strip().split("-")
