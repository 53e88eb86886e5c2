"""Which contents and avatars the rules accept together."""

import pytest
from attrs import evolve
from hypothesis import example
from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import MessagePosted
from chatr.domain.rule import RuleViolated
from chatr.testing.scenario import given
from chatr.testing.strategies import contents
from tests.domain.examples import CRAB_REGISTERED, POST, REGISTER


def flag(region: str) -> str:
    """Return the flag of a region, as it is written with tags."""
    return "\U0001f3f4" + "".join(chr(0xE0000 + ord(char)) for char in region) + "\U000e007f"


ACCEPTED = [
    "🦀" * 250,
    "x" * 250,
    "e\u0301" * 250,
    "line\nfeed and\ttab",
    "hi\u200bthere",
    "नमस\u200dते",
    "שלום\u200f!",
    "❤️ ✌🏽 1️⃣",
    "❤️‍🔥 👨‍👩‍👧‍👦 🏳️‍🌈 👁️‍🗨️",
    "葛\U000e0100城",
    "אני ❤️\u200f אותך",
    "\u2028 is a separator",
    "x" + "\u0335" * 8,
    "\U0001fae9",
    "costs \u200f\u200e-5.00\xa0\u200f$, that is all",
    "❤️\u200f\u200e-5",
    "2 នាទី\u200b\u200bមុន",
    "0 ମିନିଟ୍\u200c\u200cରେ",
    "Hello \u2068Ada\u2069, \u2067של\u2069!",
    "\u2068\u200f\u200e-5\u200f\u2069\u2068x\u2069",
    "\u2068Hello, \u2067\u2066Ada\u2069\u2069\u2069\nGoodbye, \u2068\u2069!",
    "\u2068two\nlines\u2069",
    f"{flag('gbeng')} 3:1 {flag('gbsct')}",
    f"\u2068{flag('gbwls')}\u2069\u200f",
    "می\u200cخو क्\u200dष",
    "ಫ್ರಾಂಕ್\u200c\u200c\u200dಗಳು",
    "2026 ᠣᠨ \u180e\u180e\u180eᠤ ᠰᠠᠷ\u180eᠠ\u180e\u180e ᠤᠩ 28",
    "ᠹᠷᠠᠨ\u180b\u180bᠼᠠ",
    "سعر\u061c\u200f",
]
REJECTED = {
    "nothing": "",
    "only white space": " \u3000\n",
    "251 characters": "x" * 251,
    "251 emoji": "🦀" * 251,
    "16 KiB of marks": "\u0315\u0300" * 4096,
    "NUL": "a\x00b",
    "carriage return": "a\rb",
    "escape": "\x1b[31mred",
    "DEL": "a\x7fb",
    "C1": "a\x9bb",
    "lone surrogate": "a\ud800b",
    "noncharacter": "a\uffffb",
    "bidi override": "a\u202eb",
    "bidi embedding": "a\u202bb\u202c",
    "bidi override in an isolate": "a\u2068b\u202ec\u202c\u2069",
    "isolate without end": "a\u2066b",
    "end without isolate": "a\u2069b",
    "isolates that end too often": "\u2066a\u2069\u2069",
    "isolate that ends before it begins": "a\u2069b\u2068",
    "six isolates in one another": "\u2068a" * 6 + "\u2069" * 6,
    "empty isolates in a row": "a\u2066\u2069\u2067\u2069b",
    "an isolate of marks": "a\u2068\u200e\u2069b",
    "interlinear annotation": "a\ufff9b\ufffac\ufffb",
    "tags": "🦀\U000e0068\U000e0069",
    "flag of tags": "🏴\U000e0067\U000e0062\U000e007f",
    "flag of Texas": flag("ustx"),
    "flag without end": flag("gbeng")[:-1],
    "flag without flag": "a" + flag("gbeng")[1:],
    "tags after a flag": flag("gbeng") + "\U000e0068\U000e0069",
    "a second end of a flag": flag("gbeng") + "\U000e007f",
    "Hangul filler": "\u3164",
    "Braille blank": "\u2800 \u2800",
    "zero width only": "\u200b\u200d\ufeff",
    "variation selector only": "\ufe0f",
    "nine marks": "x" + "\u0335" * 9,
    "nine marks, one of them composed": "e" + "\u0301" * 9,
    "marks with joints": "x" + ("\u0335" * 8 + "\u200d") * 5,
    "a run of zero widths": "hi\u200b\u200cthere",
    "a long run of zero widths": "hi" + "\u200b\u200c\u200d\u2060" * 20 + "there",
    "a run of invisible signs": "a\u2062\u2063b",
    "two variation selectors": "🦀\ufe01\ufe02",
    "two supplementary variation selectors": "葛\U000e0100\U000e0101",
    "many variation selectors": "🦀" + "\U000e0151" * 40,
    "two variation selectors and a joiner": "a\ufe0f\ufe0f\u200db",
    "a variation selector of nothing": "a\u200d\ufe0fb",
    "a run of direction marks": "a\u200e\u200f\u200eb",
    "a zero-width space thrice": "a" + "\u200b" * 3 + "b",
    "two joiners": "a\u200d\u200db",
    "four joiners after a virama": "ಕ್" + "\u200d" * 4 + "ಗ",
    "five zero-width spaces in Khmer": "ក" + "\u200b" * 5 + "ខ",
    "Mongolian selectors of nothing": "a\u180b\u180bb",
    "vowel separators of nothing": "a\u180e\u180eb",
    "two word joiners": "a\u2060\u2060b",
    "two soft hyphens": "a\xad\xadb",
    "a direction mark and a joiner": "a\u200e\u200db",
    "a run of fillers": "a\u3164\u115fb",
}


@pytest.mark.parametrize("content", ACCEPTED, ids=ascii)
def test_contents_of_any_script_are_accepted(content: str) -> None:
    """Up to 250 code points of any script, and emoji, are stored as written."""
    event = given(CRAB_REGISTERED).when(evolve(POST, content=content)).result

    assert isinstance(event, MessagePosted)
    assert event.content == evolve(POST, content=content).content


@pytest.mark.parametrize("content", REJECTED.values(), ids=REJECTED)
def test_long_invisible_and_deceptive_contents_are_rejected(content: str) -> None:
    """A message must not be too long or invisible, nor contain more than it shows."""
    given(CRAB_REGISTERED).when(evolve(POST, content=content)).then_rejected("invalid_content")


AVATARS = {
    name: text for name, text in REJECTED.items() if name not in ("nothing", "only white space") and len(text) <= 64
}


@pytest.mark.parametrize("avatar", AVATARS.values(), ids=AVATARS)
def test_avatars_with_rejected_contents_are_rejected(avatar: str) -> None:
    """An avatar must not contain what a message must not contain."""
    given().when(evolve(REGISTER, avatar=avatar)).then_rejected("invalid_avatar")


@whatever(contents())
def test_a_normalised_content_is_stored_unchanged(content: str) -> None:
    """A normalised content that the rules accept is stored character by character."""
    event = given(CRAB_REGISTERED).when(evolve(POST, content=content)).result

    assert isinstance(event, MessagePosted)
    assert event.content == content


@example("\ud800", "\ud800")
@whatever(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_every_text_is_judged(content: str, name: str) -> None:
    """Whatever a text contains, lone surrogates included, the rules accept or reject it and raise no other error."""
    for command in (evolve(POST, content=content), evolve(REGISTER, name=name, avatar=content)):
        result = given(CRAB_REGISTERED).when(command).result

        assert isinstance(result, RuleViolated | AlreadyRecorded) or result.at == command.at
