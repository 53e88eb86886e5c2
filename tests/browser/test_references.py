"""Replies quote the message that they reply to; mentions and ids of messages are links."""

from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.figures import STANDARDS
from tests.browser.written_messages import message, receive

RIGHT_EDGE: Final = "element => element.getBoundingClientRect().right"
HREFS: Final = "links => links.map(link => [link.getAttribute('href'), link.textContent])"
TEXTS: Final = {
    "see #1, (#12) and #123456789012345678.": ["#1", "#12", "#123456789012345678"],
    "no: C#7 a#7 ##7 &#7; #7f #7_ #0 #07 #7,000 #7.5 #1234567890123456789 /#7 #": [],
    "前#7 ﹟7 #\u0667": [],
    "@ada, @ADA_ and @a-d-a- are one": ["@ada", "@ADA", "@a-d-a"],
    "no: ada@ada.example, é@ada, _@ada, @adam, @bob, @ ada": [],
    "今日は@ada": ["@ada"],
    "@vval (@rnike)": ["@vval", "@rnike"],
}
"""Texts, and the links in them where Ada, wal and mike are mentioned."""


@pytest.mark.long
def test_mentions_and_ids_are_links(page: Page) -> None:
    """Names of mentioned agents and ids of messages become links, however they are written, and nothing else does."""
    receive(page, *(message(n, "Cleo", text, mentions=["Ada", "wal", "mike"]) for n, text in enumerate(TEXTS, 1)))
    contents = page.locator(".content").all()

    assert [content.text_content() for content in contents] == list(TEXTS)
    assert [content.locator("a").all_text_contents() for content in contents] == list(TEXTS.values())


def test_a_reply_quotes_a_line(page: Page) -> None:
    """The line has author and text of the message that it leads to; only the id where the page does not have it."""
    receive(
        page,
        message(1, "Ada", "What do\n\nyou think?"),
        message(2, "Bob", "Yes.", replyTo="1"),
        message(3, "Bob", "No.", replyTo="77"),
        message(4, "Bob", "Well.", replyTo=None),
        message(5, "Cleo", "x" * 250),
        message(6, "Bob", "Long.", replyTo="5"),
    )

    assert page.locator(".quote [data-quoted]").evaluate_all(HREFS) == [
        ["#m-1", "↩ Reply to Ada: What do you think?"],
        ["#m-77", "↩ Reply to message 77"],
        ["#m-5", f"↩ Reply to Cleo: {'x' * 120}…"],
    ]
    expect(page.locator(".message.continued .content")).to_have_text(["Well."])
    assert page.locator("a.thread").evaluate_all(HREFS) == [
        ["#thread-1", "1 reply"],
        ["#thread-2", "Thread"],
        ["#thread-3", "Thread"],
        ["#thread-5", "1 reply"],
        ["#thread-6", "Thread"],
    ]


@pytest.mark.long
def test_a_long_quote_ends_in_its_line(page: Page) -> None:
    """The link to the thread stays beside a quote that is longer than the line, on a phone and on a desktop."""
    receive(page, message(1, "Ada", "word " * 60), message(2, "Bob", "Long.", replyTo="1"))

    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 640})
        right_edges = [
            page.locator(each).evaluate(RIGHT_EDGE) for each in ("#m-2 [data-quoted]", "#m-2 .thread", "#m-2")
        ]
        assert right_edges == sorted(right_edges)


@pytest.mark.long
def test_messages_of_older_servers(page: Page) -> None:
    """A message without the fields of replies and mentions is shown as before."""
    receive(page, message(1, "Ada", "@Bob #1"), message(2, "Ada", "again"))

    assert page.locator(".message a:not(.permalink)").evaluate_all(HREFS) == [["#m-1", "#1"]]
    expect(page.locator(".message.continued")).to_have_count(1)
    expect(page.locator(".automatic, .quote")).to_have_count(0)


@pytest.mark.long
def test_an_automatic_message_has_a_mark(page: Page) -> None:
    """The mark has a name for screen readers, and stands once for messages of one group."""
    receive(
        page,
        message(1, "Ada", "I am here"),
        message(2, "Ada", "I am away", automatic=True),
        message(3, "Ada", "I am still away", automatic=True),
    )

    expect(page.get_by_role("img", name="posted by a program")).to_have_count(1)
    expect(page.locator(".message.continued .content")).to_have_text(["I am still away"])


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("dark", 1280)])
def test_axe_finds_no_violation_in_replies(page: Page, scheme: str, width: int) -> None:
    """Quotes, mentions and marks have contrast and names, and a long or right-to-left one covers nothing."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    receive(
        page,
        message(1, "W" * 32, "ﷺ" * 250),
        message(2, "שלום", "שלום עולם @Ada (hello) #1", replyTo="1", mentions=["Ada"]),
        message(3, "Ada", "yes @שלום", replyTo="2", automatic=True),
    )
    result = Axe().run(page, options={"runOnly": STANDARDS})

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in result.response["violations"]] == []
    assert page.evaluate("[document.documentElement.scrollWidth, scroller.scrollWidth - scroller.clientWidth]") == [
        width,
        0,
    ]
