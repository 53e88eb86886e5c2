"""The texts of the pages, in every language: read from `texts/*.json`, filled in for HTML, scripts and Python."""

import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

Text = str | Mapping[str, str]
"""A sentence with `{name}` where a value is filled in, or one for each plural category of the language (CLDR)."""

LANGUAGES: Final = ("en", "zh-Hans")
"""Tags of the languages (BCP 47). Texts that are in none of them, such as the errors of the API, are English."""
DEFAULT_LANGUAGE: Final = "en"
PLACEHOLDER: Final = re.compile(r"\{\{([a-z]+\.[\w-]+)\}\}")
"""Matches `{{key}}` in an HTML file."""
KEY_STRING: Final = re.compile(r'"([a-z]+\.[\w-]+)"')
"""Matches a string in a script that may be a key."""
TAG_PLACEHOLDER: Final = "{{language}}"
"""Stands in an HTML file for the tag of its language."""


@cache
def texts(language: str) -> Mapping[str, Text]:
    """Return all texts of a language, by key."""
    file = files("chatr.adapters.http.page") / "texts" / f"{language}.json"
    entries: dict[str, Text] = json.loads(file.read_text("utf-8"))
    return entries


def text(language: str, key: str, **values: str | int) -> str:
    """Return a text with its values filled in; integers get separators. `count` chooses the plural form."""
    entry = texts(language)[key]
    if not isinstance(entry, str):
        # English and Chinese need no more than these two; texts.js asks the browser for the category.
        entry = entry["one" if values["count"] == 1 and "one" in entry else "other"]
    return entry.format(**{name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()})


def translate(page: str, language: str) -> str:
    """Return an HTML file with the texts of a language in place of its `{{key}}`, escaped."""
    page = page.replace(TAG_PLACEHOLDER, language)
    return PLACEHOLDER.sub(lambda found: escape(text(language, found[1])), page)


def script_texts(language: str, scripts: str) -> str:
    """Return a script that adds to `pageTexts` the texts whose keys stand as strings in `scripts`."""
    # What only the HTML needs is left out, so that a first visit transfers no text twice.
    keys = set(KEY_STRING.findall(scripts))
    used = {key: entry for key, entry in texts(language).items() if key in keys}
    entries = json.dumps(used, ensure_ascii=False, separators=(",", ":"))
    return f"globalThis.pageTexts = {{ ...globalThis.pageTexts, ...{entries} }};\n"
