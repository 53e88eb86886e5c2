"""The words of a Moltbook post that prove who verifies an agent: what counts, and what only looks like it."""

import time

import pytest
from attrs import evolve

from chatr.domain.proof import ProofWords, visible_text

WORDS = ProofWords("ABCD2345", "Ada", "chat.example.org")
NAME, HOST = "the agent's name Ada", "the host chat.example.org"


@pytest.mark.parametrize(
    "post",
    [
        "Ada [ABCD2345] chat.example.org",
        "Verifying my account as Ada to chat at https://chat.example.org [ABCD2345] https://chat.example.org/skills.md",
        "ADA at HTTPS://CHAT.EXAMPLE.ORG: [ABCD2345].",
        "I am Ada. The room is chat.example.org. [ABCD2345]",
        "**Ada** at <https://chat.example.org:8443/x> `[ABCD2345]`",
        "_Ada_ / __Ada__, [chat.example.org](https://chat.example.org), [ABCD2345]",
        "<p>@Ada</p><p>https:&#47;&#47;chat.example.org</p><p>&#91;ABCD2345&#93;</p>",
        "<b>A</b>da on <a href='x'>chat.<i>example</i>.org</a> \\[ABCD2345\\]",
        "Ada's code (chat.example.org): [ABCD2345](https://evil.example)",
        "> Good morning!\n\nAda at chat.example.org [ABCD2345]",
        "A\u200bda, chat.example.org, [ABCD2345]",
    ],
)
def test_a_post_with_all_words_is_a_proof(post: str) -> None:
    """Name and host count in any case, as plain text, in Markdown and in HTML."""
    assert WORDS.missing_from(post) == ()


@pytest.mark.parametrize(
    ("post", "missing"),
    [
        ("RECOVER Ada at chat.example.org [ABCD2345]", ()),
        ("recover Ada at chat.example.org [ABCD2345]", ()),
        ("Ada at chat.example.org [ABCD2345]", ("the word RECOVER",)),
        ("RECOVERED Ada at chat.example.org [ABCD2345]", ("the word RECOVER",)),
        ("[ABCD2345]", (NAME, HOST, "the word RECOVER")),
    ],
)
def test_a_proof_with_a_purpose_names_it(post: str, missing: tuple[str, ...]) -> None:
    """Whoever is led to post the words of a recovery sees what they are for."""
    assert evolve(WORDS, purpose="RECOVER").missing_from(post) == missing


@pytest.mark.parametrize(
    "named",
    [
        *(
            "Adam",
            "xAda",
            "Ada2",
            "Ada-2",
            "Ada_",
            "_Ada",
            "x_Ada_",
            "-Ada",
            "Adaé",
            "Ada\u0323",
            "Ada\u20dd",
            "\u0410da",
        ),
        *(
            "Ada**m**",
            "Ada<b>m</b>",
            "Ada&#109;",
            "Ada\u200bm",
            "Ada\\_2",
            "Ada<!-- -->m",
            "Ada\u00adm",
            "A d a",
            "`Ada`m",
        ),
        *("https://x.example/Ada", "ada.example.org", "Ada@example.org", "[x](Ada)", "<Ada>", "<!-- Ada -->", "> Ada"),
        *("<script>Ada</script>", "<style>Ada</style>", "<template>Ada</template>", "<title>Ada</title>", "<q>Ada</q>"),
        *(
            "<noscript></q>Ada</noscript>",
            "<q><script></q>Ada",
            "![Ada](x)",
            "![Ada][x]",
            "[x]: y 'Ada'",
        ),
        *("<b hidden>Ada</b>", "<i style='display:none'>Ada</i>"),
        *("<a title='Ada'>x</a>", "<blockquote>Ada</blockquote>", "&gt; Ada"),
    ],
)
def test_what_is_not_the_name_names_nobody(named: str) -> None:
    """Another name that contains the agent's, hidden text, quotes, paths and hosts do not name the agent."""
    assert WORDS.missing_from(f"[ABCD2345] chat.example.org\n{named}\n") == (NAME,)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "chat.example.org.evil.example",
            "xchat.example.org",
            "www.chat.example.org",
            "chat.example.organic",
            "chat-example.org",
        ),
        *("https://chat.example.org@evil.example", "https://chat.example.org:80@evil.example", "chat.example.org-x"),
        *(
            "https://evil.example/chat.example.org",
            "me@chat.example.org",
            "[x](https://chat.example.org)",
            "chatxexample.org",
        ),
        *("<a href='https://chat.example.org'>here</a>", "> chat.example.org", "chat.<b>example</b>.org.evil.example"),
    ],
)
def test_another_host_is_not_the_room_s(address: str) -> None:
    """A host that contains the room's, its name before an @, in a path, hidden or quoted, is not the room's."""
    assert WORDS.missing_from(f"[ABCD2345] Ada\n{address}\n") == (HOST,)


@pytest.mark.parametrize(
    "post", ["", "Ada chat.example.org ABCD2345", "Ada chat.example.org [abcd2345]", "> [ABCD2345]"]
)
def test_a_post_without_the_code_is_no_proof(post: str) -> None:
    """The code must be there in brackets, as it was given out, and not in a quote."""
    assert WORDS.missing_from(post) is None


def test_a_post_says_all_that_it_lacks() -> None:
    """Both words are reported if both are missing."""
    assert WORDS.missing_from("look: [ABCD2345]") == (NAME, HOST)


def test_a_room_without_a_public_url_needs_the_name_alone() -> None:
    """Such a room has no host that a post could name."""
    assert ProofWords("ABCD2345", "Ada").missing_from("Ada [ABCD2345]") == ()
    assert ProofWords("ABCD2345", "Ada").missing_from("Bob [ABCD2345]") == (NAME,)


def test_a_code_of_an_older_version_suffices() -> None:
    """Codes that were given out before names and hosts were asked for are a proof alone."""
    assert ProofWords("ABCD2345").missing_from("> x[ABCD2345]y") == ()


@pytest.mark.parametrize("name", ["_Ada", "Ada_", "-Ada-", "A.da"[:1] + "_da", "__"])
def test_a_name_with_separators_is_found(name: str) -> None:
    """Separators at the ends of a name are part of it, also where Markdown escapes them."""
    words = ProofWords("ABCD2345", name)

    assert words.missing_from(f"[ABCD2345] {name}") == ()
    assert words.missing_from(f"[ABCD2345] {name.replace('_', chr(92) + '_')}!") == ()


HIDDEN = {
    "a comment": "<!-- {} -->",
    "a comment with a tag": "<!-- <i> {} -->",
    "a comment without an end": "<!-- {}",
    "an attribute": '<a title="{}">x</a>',
    "an attribute with a bracket": '<span title="> {}">x</span>',
    "a tag without an end": "<span title='{}",
    "a script": "<script>{}</script>",
    "a style sheet": "<style>/* {} */</style>",
    "a template": "<TEMPLATE>{}</TEMPLATE>",
    "an inline quote": "<q>{}</q>",
    "an end of a quote in an attribute": '<blockquote><i title="</blockquote>">{}</i></blockquote>',
    "an end of a quote in a comment": "<blockquote><!-- </blockquote> -->{}</blockquote>",
    "another end in a quote": "<blockquote></q>{}</blockquote>",
    "a quote in a list": "- > {}",
    "a quote in a list in a list": "1. * > {}",
    "a line that goes on with a quote": "> x\n{}",
    "a title of a link": '[x](http://x.example "{}")',
    "a title behind parentheses": '[x](http://x.example/(a) "{}")',
    "a title with a parenthesis": '[x](http://x.example "( {}")',
    "a title on the next line": '[x](http://x.example\n"{}")',
    "a definition": '[x]: http://x.example "{}"',
    "a definition over lines": "[x]:\nhttp://x.example\n'{}'",
    "a definition with spaces": '[x]: <http://x.example/a b> "{}"',
    "a definition in a list": "- [x]: http://x.example ({})",
}


@pytest.mark.parametrize("markup", HIDDEN.values(), ids=list(HIDDEN))
def test_what_readers_do_not_see_is_no_proof(markup: str) -> None:
    """All words in a comment, an attribute, a title, a definition or a quote do not count."""
    assert WORDS.missing_from(f"Hello!\n\n{markup.format('[ABCD2345] Ada chat.example.org')}\n") is None


@pytest.mark.parametrize(
    "post",
    [
        '[ABCD2345]: https://chat.example.org "Ada"',
        "[Ada at chat.example.org][ABCD2345]\n\n[ABCD2345]: http://x.example",
    ],
)
def test_a_label_of_a_definition_is_no_code(post: str) -> None:
    """Markdown shows the text of a link and not the label by which its address is found."""
    assert WORDS.missing_from(post) is None


HOSTILE = [
    "<",
    '<a "',
    "<a '",
    "<q>",
    "](x ",
    ']("',
    "](x (",
    '[x]: y "',
    "[x]: y (",
    "- ",
    "- > x\n",
    "1. 1. ",
    "<blockquote>",
    "](",
    "\\",
    "&#",
    "_",
    "*",
    "chat.example.org:",
    "Ada_",
    "> \n",
    "<!--",
    "\u0301",
    "\n",
]


def cpu(post: str) -> float:
    """Seconds of CPU that a post takes."""
    begin = time.process_time()
    WORDS.missing_from(f"[ABCD2345] {post}")
    return time.process_time() - begin


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_post_takes_linear_time(part: str) -> None:
    """Eight times as much text takes at most about eight times as long."""
    size = 8 * 1024 // len(part)
    short, long = min(cpu(part * size) for _ in range(3)), min(cpu(part * size * 8) for _ in range(2))

    assert long < 24 * max(short, 0.002)


def test_visible_text_is_plain() -> None:
    """Markup, quotes and escapes are gone from the text that is searched."""
    assert visible_text("<p>a**b**</p><blockquote>c</blockquote>d\\_e [f](g) &amp;").split() == [
        "ab",
        "d_e",
        "[f]",
        "&",
    ]
