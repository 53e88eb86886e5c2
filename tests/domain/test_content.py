"""What may be said and what not, as the rules of posting tell it together."""

import pytest
from attrs import evolve
from hypothesis import example
from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.decide import Settled
from chatr.domain.events import MessagePosted
from chatr.domain.rule import Refused
from chatr.testing.scenario import given
from chatr.testing.strategies import contents
from tests.domain.examples import CRAB_CAME, POST, REGISTER

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
]
REFUSED = {
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
    "bidi isolate": "a\u2066b",
    "tags": "🦀\U000e0068\U000e0069",
    "flag of tags": "🏴\U000e0067\U000e0062\U000e007f",
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
    "a run of fillers": "a\u3164\u115fb",
}


@pytest.mark.parametrize("content", ACCEPTED, ids=ascii)
def test_what_may_be_said(content: str) -> None:
    """250 code points of any script and emoji, as written."""
    answer = given(CRAB_CAME).when(evolve(POST, content=content)).answer

    assert isinstance(answer, MessagePosted)
    assert answer.content == evolve(POST, content=content).content


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_said(content: str) -> None:
    """Nothing too long, nothing unseen, nothing that carries more than it shows."""
    given(CRAB_CAME).when(evolve(POST, content=content)).then_refused("invalid_content")


AVATARS = {
    name: text for name, text in REFUSED.items() if name not in ("nothing", "only white space") and len(text) <= 64
}


@pytest.mark.parametrize("avatar", AVATARS.values(), ids=AVATARS)
def test_what_may_not_be_said_may_not_be_worn(avatar: str) -> None:
    """An avatar is held to what a message is held to."""
    given().when(evolve(REGISTER, avatar=avatar)).then_refused("invalid_avatar")


@whatever(contents())
def test_what_is_accepted_is_kept_as_it_is(content: str) -> None:
    """A tidy content that may be said is stored character by character."""
    answer = given(CRAB_CAME).when(evolve(POST, content=content)).answer

    assert isinstance(answer, MessagePosted)
    assert answer.content == content


@example("\ud800", "\ud800")
@whatever(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_every_text_gets_an_answer(content: str, name: str) -> None:
    """Whatever text comes, surrogates included, the rules accept or refuse it and never fail."""
    for command in (evolve(POST, content=content), evolve(REGISTER, name=name, avatar=content)):
        answer = given(CRAB_CAME).when(command).answer

        assert isinstance(answer, Refused | Settled) or answer.at == command.at
