import re
import unicodedata
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
MILLISECOND = 1_000_000

SHAPES = (
    "a~a.~a.b.c ~ab.cd ~com.~..a~.~-~_.~a@~@1.2.3.4~1.~1.2.3.4/8 ~www. ~xn--a.~http:~http:/~://~//~//a.~mailto:a~data:a/"
    "~urn:a~tel:+~bitcoin:aaaa~[~](~[a](~[::~<a ~<a s~main.py ~main.py:1:~a.run( ~self.link ~yes.No ~[.]~ ( dot ~%2e"
    "~&#0000~ ~é~\u0332~\u200b~\u3002~い\u3002no ~あ.い ~भा.भा~🦞.~\U0001d552.~…~㏂~\ufdfa.~\u0652\u064b"
).split("~")
"""Repeated, each wants to make some pattern look at the same letters again and again."""

URL = st.sampled_from(
    "example.com https://example www.example //example.com/x пример.рф xn--e1afmkfd.com 10.0.0.1:80 main.py/x"
    " a@example.org mailto:a@b javascript:alert(1) [here](/x) example[.]com".split()
)
INVISIBLE = st.sampled_from("\xad\u034f\u200b\u200d\u2060\u202e\ufe0f\ufeff\u0332\U000e0041")
WORD = st.text(st.characters(categories=["L", "Nd"]).filter(lambda char: unicodedata.normalize("NFKC", char).isalnum()))
PROSE = st.lists(WORD).map(" ".join)


def samples(corpus: str) -> list[str]:
    """A sample a line, after one line of comment; what a reader could not see is spelled as an escape."""
    _, *lines = (CORPORA / f"{corpus}.txt").read_text(encoding="utf-8").splitlines()
    return [ESCAPE.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), line) for line in lines]


def corpora(kind: str) -> list[str]:
    return sorted(path.stem for path in CORPORA.glob(f"{kind}*.txt"))


def cost(text: str) -> int:
    """The processor's nanoseconds at the best of ten: neither neighbours nor the first call count."""

    def once() -> int:
        start = process_time_ns()
        contains_url(text)
        return process_time_ns() - start

    return min(once() for _ in range(10))


def adversarial(shape: str, size: int) -> str:
    return shape * (size // len(shape.encode()))


PLAIN = st.text(st.characters(codec="ascii")).filter(lambda text: not DISGUISE.search(text))
FRAGMENTS = st.lists(st.sampled_from(SHAPES) | URL | PLAIN).map("".join)


@given(PLAIN | FRAGMENTS.filter(str.isascii).filter(lambda text: not DISGUISE.search(text)))
def test_a_text_without_disguises_is_plain(text: str) -> None:
    """What need not be looked at for disguises has none."""
    assert undisguised(text) == text


@pytest.mark.parametrize(("sign", "link"), LINKS, ids=[sign for sign, _ in LINKS])
def test_a_link_has_its_sign(sign: str, link: re.Pattern[str]) -> None:
    """Each pattern finds something in the corpora, and its sign stands in all that it finds."""
    texts = [undisguised(sample).lower() for corpus in corpora("") for sample in samples(corpus)]
    found = [match[0] for match in map(link.search, texts) if match]

    assert found
    assert all(sign in each for each in found)


@given(FRAGMENTS)
def test_a_text_without_the_sign_has_no_such_link(text: str) -> None:
    """Whatever text there is, a pattern whose sign is not in it finds nothing."""
    assert not [sign for sign, link in LINKS if sign not in text.lower() and link.search(text.lower())]


@pytest.mark.parametrize("corpus", corpora("links"))
def test_published_links_are_urls(corpus: str) -> None:
    """At least 99 of 100 links in each published corpus are found."""
    links = samples(corpus)

    assert sum(map(contains_url, links)) >= 0.99 * len(links)


@pytest.mark.parametrize("corpus", corpora("evasions"))
def test_disguised_links_are_urls(corpus: str) -> None:
    """No disguise known to us hides a link."""
    missed = [sample for sample in samples(corpus) if not contains_url(sample)]

    assert missed == []


@pytest.mark.parametrize("corpus", corpora("plain"))
def test_plain_talk_is_no_url(corpus: str) -> None:
    """File names, numbers, abbreviations, code and prose of many languages pass without exception."""
    false_alarms = [sample for sample in samples(corpus) if contains_url(sample)]

    assert false_alarms == []


def test_every_public_suffix_makes_a_host_name() -> None:
    """Under each suffix of the DNS root a bare name is found, but for those that agents write all day."""
    passing = {suffix for suffix in PUBLIC_SUFFIXES if not contains_url(f"see example.{suffix} today")}

    assert passing == set("abc app cc data id java map md mov name next now pl pm pub py rs run sh so tf zip".split())


@pytest.mark.parametrize("name", ["main.py", "README.md", "setup.sh", "lib.rs", "clip.mov", "Safari.app", "agent.id"])
@pytest.mark.parametrize("form", ["{}/x", "{}:8080", "www.{}", "http://{}", "//{}", "a@{}", "{}?x=1"])
def test_what_a_file_name_must_not_carry(name: str, form: str) -> None:
    """A name that passes bare is a URL with a scheme, `www.`, a port, a path, a query or a mailbox."""
    assert contains_url(form.format(name))


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_text_costs_little(shape: str) -> None:
    """16 KiB of any shape cost less than 5 ms."""
    assert cost(adversarial(shape, 16 * KIBI)) < 5 * MILLISECOND


@pytest.mark.parametrize("shape", SHAPES)
def test_the_cost_is_linear(shape: str) -> None:
    """Four times the text costs about four times as much, where a quadratic search would cost 16 times."""
    long, short = (cost(adversarial(shape, size * KIBI)) for size in (64, 16))

    assert long < 8 * short


def test_a_message_costs_next_to_nothing() -> None:
    """99 of 100 messages of full length are judged within 1 ms."""
    messages = [(sample * CONTENT_LENGTH)[:CONTENT_LENGTH] for corpus in corpora("plain") for sample in samples(corpus)]
    costs = sorted(map(cost, messages))

    assert costs[len(costs) * 99 // 100] < MILLISECOND


@given(PROSE, URL, PROSE)
def test_a_url_is_found_in_any_prose(before: str, url: str, after: str) -> None:
    """Words around it neither hide a URL nor break it."""
    assert contains_url(f"{before} {url} {after}")


@given(PROSE)
def test_words_alone_are_no_url(prose: str) -> None:
    """Without a dot, a colon, a slash or an at sign there is no URL."""
    assert not contains_url(prose)


@given(URL, INVISIBLE)
def test_the_invisible_hides_nothing(url: str, invisible: str) -> None:
    """A URL is found with an invisible character between any two of its letters."""
    assert contains_url(invisible.join(url))


@given(st.text(st.characters()))
def test_there_is_a_verdict_on_any_text(text: str) -> None:
    """Nothing that a string can hold, lone surrogates included, is beyond judgement."""
    assert contains_url(text) in {True, False}
