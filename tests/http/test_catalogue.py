"""The page's texts: complete in every language, all used, and nowhere else than in the catalogue."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from chatr.adapters.http.page import catalogue
from chatr.adapters.http.page.catalogue import LANGUAGES, PLACEHOLDER, script_texts, text, texts, translate

FOLDER: Final = Path(str(files("chatr.adapters.http.page"))) / "static"
NOT_OF_THE_PAGE: Final = {"docs.js", "stream_worker.js"}
"""The page of the endpoints is English, as the API is, and the worker shows nothing."""
SCRIPTS: Final = sorted(path.name for path in FOLDER.glob("*.js") if path.name not in NOT_OF_THE_PAGE)
PLURALS: Final = {"en": {"one", "other"}, "zh-Hans": {"other"}}
"""The plural categories of each language (CLDR)."""
TRANSLATED_ATTRIBUTES: Final = {"alt", "aria-label", "aria-description", "content", "placeholder", "title"}
WORD: Final = re.compile(r"[^\W\d_]{2,}")
SAME_EVERYWHERE: Final = {"chatr", "chatr.ai"}
"""Texts of the HTML that are the same in every language."""
LITERAL: Final = re.compile(
    r"""//[^\n]*|(?<![\w)\]}])/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\n])+/|("|'|`)((?:\\.|(?!\1).)*?)\1""", re.DOTALL
)
"""Matches a comment, a regular expression, or a string as the second group."""
NEVER_SHOWN: Final = re.compile(
    r"(?:console\.\w+|\battempt|\.querySelector(?:All)?|\.closest\??\.?|\.matches|new Error)\(\s*$"
)
"""Matches the code before a string that is a selector, or that only the console shows."""
SHOWN: Final = re.compile(
    r"(?:\.(?:textContent|title|placeholder|alt|ariaLabel) =|\bnotice\(|\blabel:|\bvaluetext:"
    r"|element\([^,()]*, [^,()]*,) *$"
)
"""Matches the code before a string that is shown."""


def placeholders(entry: Any) -> set[str]:
    """The names that are filled in, in all plural forms."""
    return set(re.findall(r"\{(\w+)\}", str(entry if isinstance(entry, str) else " ".join(entry.values()))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_every_language(language: str) -> None:
    """Each language has all keys, with the same placeholders, in alphabetical order, with its own plural forms."""
    english, own = texts("en"), texts(language)

    assert list(own) == sorted(english)
    assert {key: placeholders(own[key]) for key in own} == {key: placeholders(english[key]) for key in own}
    assert [each for each in own.values() if not isinstance(each, str) and each.keys() != PLURALS[language]] == []


def test_chinese_texts_have_chinese_punctuation() -> None:
    """Punctuation beside Chinese characters is full-width, and spaces separate them from Latin words."""
    entries = [each if isinstance(each, str) else " ".join(each.values()) for each in texts("zh-Hans").values()]
    wrong = re.compile(
        r"[\u4e00-\u9fff][,.:;!?()]|[,:;!?()][\u4e00-\u9fff]|[\u4e00-\u9fff][A-Za-z0-9{@]|[A-Za-z0-9}][\u4e00-\u9fff]"
    )

    assert [each for each in entries if wrong.search(each)] == []


def test_every_text_is_used() -> None:
    """Each key stands in the HTML, in a script, or in a module of the server."""
    used = set(PLACEHOLDER.findall((FOLDER / "index.html").read_text("utf-8")))
    sources = [FOLDER / name for name in SCRIPTS] + sorted(FOLDER.parent.parent.rglob("*.py"))
    for source in sources:
        code = source.read_text("utf-8")
        used |= set(re.findall(r'"([a-z]+\.[\w-]+)"', code)) | set(PLACEHOLDER.findall(code))

    assert set(texts("en")) - used == set()


def test_every_used_text_exists() -> None:
    """Each key that the HTML names or a script asks for is in the catalogue."""
    used = set(PLACEHOLDER.findall((FOLDER / "index.html").read_text("utf-8")))
    for name in SCRIPTS:
        used |= set(re.findall(r'\btext(?:Parts)?\(\s*"([^"]+)"', (FOLDER / name).read_text("utf-8")))

    assert used - set(texts("en")) == set()


class ShownText(HTMLParser):
    """Collects the words of a page that stand outside the catalogue."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        is_setting = any(
            name == "name" and value in ("viewport", "color-scheme", "theme-color") for name, value in attrs
        )
        for name, value in () if is_setting else attrs:
            if name in TRANSLATED_ATTRIBUTES:
                self._add(value or "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"code", "script", "style"} & set(self._open):
            self._add(data)

    def _add(self, shown: str) -> None:
        rest = PLACEHOLDER.sub("", shown).strip()
        if WORD.search(rest) and rest not in SAME_EVERYWHERE:
            self.found.append(rest)


def test_the_html_has_no_text_of_its_own() -> None:
    """All words in the texts and attributes of the page are from the catalogue."""
    reader = ShownText()
    reader.feed((FOLDER / "index.html").read_text("utf-8"))

    assert reader.found == []


def shown_strings(code: str) -> Iterator[str]:
    """Yield the strings of a script that readers seem to see: sentences, and what is put into elements and labels."""
    for found in LITERAL.finditer(code):
        before, content = code[: found.start()], found[2]
        if content is None or NEVER_SHOWN.search(before):
            continue
        words = re.sub(r"\$\{[^}]*\}|\\u\w{4}", "", content)
        # A selector, a type, an address or markup has no two plain words in a row, or has brackets.
        is_sentence = re.search(r"[A-Za-z]{2,},? [A-Za-z]{2,}", words) and not re.search(r"[<>=\[\]#]|^\w+/", words)
        is_title = re.fullmatch(r"[A-Z][a-z]+", words)
        if is_sentence or is_title or (WORD.search(words) and SHOWN.search(before)):
            yield content


NOT_SHOWN: Final = {
    "Arrow", "ArrowDown", "ArrowLeft", "ArrowRight", "ArrowUp", "End", "Enter", "Escape", "Home", "Tab", "Delete",
    "Date", "Authorization", "nofollow ugc noopener noreferrer",
}  # fmt: skip
"""Keys of the keyboard, names of headers, and kinds of links."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_have_no_text_of_their_own(name: str) -> None:
    """No string in a script is a sentence or is shown; texts have keys in the catalogue."""
    assert [each for each in shown_strings((FOLDER / name).read_text("utf-8")) if each not in NOT_SHOWN] == []


@pytest.mark.parametrize(
    "code",
    [
        'notice("gone", 8);',
        "button.textContent = 'Copy';",
        "const empty = `There is no message ${id}.`;",
        'element("p", "secondary", "none");',
        'setAria(handle, { valuetext: "now, live" });',
        'const title = "Online";',
    ],
)
def test_text_in_a_script_is_found(code: str) -> None:
    """Strings in each of these places are found."""
    assert len(list(shown_strings(code))) == 1


def test_style_sheets_show_no_words() -> None:
    """What a style sheet shows has no words."""
    shown = [
        each
        for path in FOLDER.glob("*.css")
        for each in re.findall(r'content: "([^"]*)"', path.read_text("utf-8"))
        if WORD.search(re.sub(r"\\[0-9a-f]+", "", each))
    ]

    assert shown == []


def test_a_text_is_filled_in() -> None:
    """Integers get separators, and `count` chooses the plural form."""
    assert [text("en", "live.removed", count=count) for count in (1, 1_000)] == [
        "1 message removed",
        "1,000 messages removed",
    ]
    assert text("zh-Hans", "live.removed", count=1) == "1 条消息已移除"


def test_texts_in_html_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is no HTML, neither between elements nor in an attribute."""
    monkeypatch.setattr(catalogue, "texts", lambda _: {"page.title": '<b> & "'})

    assert translate('<i title="{{page.title}}">', "en") == '<i title="&lt;b&gt; &amp; &quot;">'


def test_scripts_get_only_their_texts() -> None:
    """What only the HTML shows is not sent twice."""
    assert script_texts("en", 'text("list.empty")') == (
        'globalThis.pageTexts = { ...globalThis.pageTexts, ...{"list.empty":"No messages yet."} };\n'
    )
