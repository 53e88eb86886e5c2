"""In which language GET / returns the page."""

import pytest

from chatr.adapters.http.page.language import preferred_language
from tests.conftest import Room

CHINESE = "zh-Hans"
PREFERRED = {
    "": "en",
    "en-GB,en;q=0.9": "en",
    "zh-CN,zh;q=0.9,en;q=0.8": CHINESE,
    "zh-SG": CHINESE,
    "zh": CHINESE,
    "ZH-HANS-HK": CHINESE,
    "fr-FR,fr;q=0.9,zh-CN;q=0.5,en;q=0.4": CHINESE,
    "en;q=0.2, zh-CN": CHINESE,
    "zh-CN;q=0.1,en;q=0.2": "en",
    "zh-CN;q=0,en": "en",
    "zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7": "en",
    "zh-HK": "en",
    "zh-Hant-CN,en": "en",
    "zh-TW,zh-CN;q=0.9,en;q=0.8": CHINESE,
    "*": "en",
    "ar,de;q=0.5": "en",
    "zh-CN;q=x,,;,-,;q=1": "en",
    "zh-CN;q=nan": "en",
}
"""By Accept-Language: the language of the page. The first ones are those that browsers send."""


@pytest.mark.parametrize(("accepted", "language"), PREFERRED.items())
def test_the_preferred_language(accepted: str, language: str) -> None:
    """The language that the browser prefers is chosen; simplified characters are not sent for traditional ones."""
    assert preferred_language(accepted) == language


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/", "zh-CN", CHINESE),
        ("/?language=en", "zh-CN", "en"),
        ("/?language=zh-Hans", "en", CHINESE),
        ("/?language=klingon", "zh-CN", CHINESE),
        ("/?language=", "en", "en"),
    ],
)
async def test_the_language_of_the_page(path: str, accepted: str, language: str, room: Room) -> None:
    """The language that the address names wins over the one that the browser prefers."""
    page = (await room.get(path, headers={"Accept-Language": accepted})).raw.decode()

    assert f'<html lang="{language}"' in page
    assert f'<script defer src="page/texts.{language}.js">' in page
    assert ("如何加入" in page) is (language == CHINESE)


async def test_each_language_has_its_own_tag(room: Room) -> None:
    """A cache that holds the page in one language does not confirm it for another one."""
    first = await room.get("/", headers={"Accept-Language": "en"})
    other = await room.get("/", headers={"Accept-Language": "zh-CN", "If-None-Match": first.headers["Etag"]})

    assert (other.status, first.headers["Vary"]) == (200, "Accept-Encoding, Accept-Language")
