"""What counts as a URL, tested with published and written corpora, and how long it takes to decide."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.limits import CONTENT_LENGTH
from chatr.domain.links import DISGUISE, LINKS, PUBLIC_SUFFIXES, contains_url, undisguised

CORPORA = Path(__file__).parent / "corpora"
ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
KIBI = 1024

SHAPES = (
    "a~a.~a.b.c ~ab.cd ~com.~..a~.~-~_.~a@~@1.2.3.4~1.~1.2.3.4/8 ~www. ~xn--a.~http:~http:/~://~//~//a.~mailto:a~data:a/"
    "~urn:a~tel:+~bitcoin:aaaa~[~](~[a](~[::~<a ~<a s~main.py ~main.py:1:~a.run( ~self.link ~yes.No ~[.]~ ( dot ~%2e"
    "~&#0000~ ~é~\u0332~\u200b~\u3002~い\u3002no ~あ.い ~भा.भा~🦞.~\U0001d552.~…~㏂~\ufdfa.~\u0652\u064b"
).split("~")
"""Texts that, repeated, try to make some pattern look at the same characters again and again."""

URL = st.sampled_from(
    "example.com https://example www.example //example.com/x пример.рф xn--e1afmkfd.com 10.0.0.1:80 main.py/x"
    " a@example.org mailto:a@b javascript:alert(1) [here](/x) example[.]com".split()
)
INVISIBLE = st.sampled_from("\xad\u034f\u200b\u200d\u2060\u202e\ufe0f\ufeff\u0332\U000e0041")
WORD = st.text(st.characters(categories=["L", "Nd"]).filter(lambda char: unicodedata.normalize("NFKC", char).isalnum()))
PROSE = st.lists(WORD).map(" ".join)


def samples(corpus: str) -> list[str]:
    """The samples of a corpus: one a line, after a line of comment. Invisible characters are written as escapes."""
    _, *lines = (CORPORA / f"{corpus}.txt").read_text(encoding="utf-8").splitlines()
    return [ESCAPE.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), line) for line in lines]


def corpora(kind: str) -> list[str]:
    """The names of the corpora that begin with `kind`."""
    return sorted(path.stem for path in CORPORA.glob(f"{kind}*.txt"))


def cpu_time(function: Callable[..., object], argument: object) -> int:
    """The CPU time of a call in nanoseconds, the best of ten: neither other processes nor the first call count."""

    def once() -> int:
        start = process_time_ns()
        function(argument)
        return process_time_ns() - start

    return min(once() for _ in range(10))


def cost(text: str) -> int:
    """The CPU time in nanoseconds that judging a text takes."""
    return cpu_time(contains_url, text)


def millisecond() -> int:
    """The CPU time of adding up 80,000 numbers: a millisecond where the limits were chosen.

    Limits in this unit hold on slow machines too.
    """
    return cpu_time(sum, range(80_000))


def adversarial(shape: str, size: int) -> str:
    """A text of `size` bytes that repeats a shape."""
    return shape * (size // len(shape.encode()))


PLAIN = st.text(st.characters(codec="ascii")).filter(lambda text: not DISGUISE.search(text))
FRAGMENTS = st.lists(st.sampled_from(SHAPES) | URL | PLAIN).map("".join)


@given(PLAIN | FRAGMENTS.filter(str.isascii).filter(lambda text: not DISGUISE.search(text)))
def test_an_ascii_text_without_disguise_characters_has_no_disguise(text: str) -> None:
    """Removing disguises changes nothing in an ASCII text that contains none of their characters."""
    assert undisguised(text) == text


@pytest.mark.parametrize(("mark", "link"), LINKS, ids=[mark for mark, _ in LINKS])
def test_a_link_contains_its_mark(mark: str, link: re.Pattern[str]) -> None:
    """Each pattern finds something in the corpora, and everything that it finds contains its mark."""
    texts = [undisguised(sample).lower() for corpus in corpora("") for sample in samples(corpus)]
    found = [match[0] for match in map(link.search, texts) if match]

    assert found
    assert all(mark in each for each in found)


@given(FRAGMENTS)
def test_a_text_without_the_mark_contains_no_such_link(text: str) -> None:
    """A pattern finds nothing in a text that does not contain its mark."""
    assert not [mark for mark, link in LINKS if mark not in text.lower() and link.search(text.lower())]


@pytest.mark.parametrize("corpus", corpora("links"))
def test_published_links_are_urls(corpus: str) -> None:
    """At least 99 of 100 links in each published corpus are found."""
    links = samples(corpus)

    assert sum(map(contains_url, links)) >= 0.99 * len(links)


@pytest.mark.parametrize("corpus", corpora("evasions"))
def test_disguised_links_are_urls(corpus: str) -> None:
    """No known disguise hides a link."""
    missed = [sample for sample in samples(corpus) if not contains_url(sample)]

    assert missed == []


@pytest.mark.parametrize("corpus", corpora("plain"))
def test_plain_text_contains_no_url(corpus: str) -> None:
    """File names, numbers, abbreviations, code and prose of many languages are accepted without exception."""
    false_alarms = [sample for sample in samples(corpus) if contains_url(sample)]

    assert false_alarms == []


def test_a_bare_name_under_a_public_suffix_is_a_url() -> None:
    """A bare name is a URL under every suffix of the DNS root, except those that agents use in other meanings."""
    accepted = {suffix for suffix in PUBLIC_SUFFIXES if not contains_url(f"see example.{suffix} today")}

    assert accepted == set("abc app cc data id java map md mov name next now pl pm pub py rs run sh so tf zip".split())


@pytest.mark.parametrize("name", ["main.py", "README.md", "setup.sh", "lib.rs", "clip.mov", "Safari.app", "agent.id"])
@pytest.mark.parametrize("form", ["{}/x", "{}:8080", "www.{}", "http://{}", "//{}", "a@{}", "{}?x=1"])
def test_a_file_name_with_a_part_of_a_url_is_a_url(name: str, form: str) -> None:
    """A name that is accepted bare is a URL with a scheme, `www.`, a port, a path, a query or a mailbox."""
    assert contains_url(form.format(name))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hostile_text_is_judged_quickly(shape: str) -> None:
    """16 KiB of any shape take less than 5 ms."""
    assert cost(adversarial(shape, 16 * KIBI)) < 5 * millisecond()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_cost_is_linear(shape: str) -> None:
    """Four times the text takes about four times as long, where a quadratic search would take 16 times as long."""
    long, short = (cost(adversarial(shape, size * KIBI)) for size in (64, 16))

    assert long < 8 * short


def test_a_message_is_judged_within_a_millisecond() -> None:
    """99 of 100 messages of full length are judged within 1 ms."""
    messages = [(sample * CONTENT_LENGTH)[:CONTENT_LENGTH] for corpus in corpora("plain") for sample in samples(corpus)]
    costs = sorted(map(cost, messages))

    assert costs[len(costs) * 99 // 100] < millisecond()


@given(PROSE, URL, PROSE)
def test_a_url_is_found_in_any_prose(before: str, url: str, after: str) -> None:
    """Words around a URL neither hide nor break it."""
    assert contains_url(f"{before} {url} {after}")


@given(PROSE)
def test_words_alone_contain_no_url(prose: str) -> None:
    """A text without a dot, a colon, a slash and an at sign contains no URL."""
    assert not contains_url(prose)


@given(URL, INVISIBLE)
def test_invisible_characters_hide_no_url(url: str, invisible: str) -> None:
    """A URL is found with an invisible character between any two of its characters."""
    assert contains_url(invisible.join(url))


@given(st.text(st.characters()))
def test_every_text_is_judged(text: str) -> None:
    """Whatever a string contains, lone surrogates included, there is a result and no exception."""
    assert contains_url(text) in {True, False}
