"""The form of names, the characters of texts, and what counts as visible."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.text import (
    FORBIDDEN,
    RESERVED_NAMES,
    WHITE_SPACE,
    canonical,
    has_badge,
    has_stacked_marks,
    is_clean,
    is_moltbook_name,
    is_name,
    is_one_line,
    is_reserved,
    is_visible,
    normalize,
    strict_form,
)

FORBIDDEN_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"]


@given(st.text(st.characters() | st.sampled_from(WHITE_SPACE + "e\u0301\u0323")))
def test_a_normalised_text_stays_as_it_is(text: str) -> None:
    """A normalised text is composed and trimmed, and normalising it again changes nothing."""
    normalized = normalize(text)

    assert normalize(normalized) == normalized
    assert unicodedata.is_normalized("NFC", normalized)
    assert normalized.strip(WHITE_SPACE) == normalized


def test_white_space_is_that_of_unicode() -> None:
    """Exactly the characters of Unicode's White_Space are trimmed: separators and six controls."""
    separators = {char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char)[0] == "Z"}

    assert set(WHITE_SPACE) == separators | set("\t\n\v\f\r\x85")


def test_a_text_that_is_too_long_is_not_composed() -> None:
    """A text that is too long however it is composed stays as it is, because sorting its marks would take long."""
    marks = "\u0315\u0300" * 4000

    assert normalize(marks) == marks


@pytest.mark.parametrize("name", ["ab", "a" * 32, "A-Za-z0-9_-", "__", "007"])
def test_names(name: str) -> None:
    """A name has 2-32 characters, each a letter A-Z or a-z, a digit, _ or -."""
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "a", "a" * 33, "a b", "ab\n", "krabbé", "аdmin", "a.b", "٠١"])  # noqa: RUF001 -- look-alikes are the point
def test_invalid_names(name: str) -> None:
    """A name is not shorter or longer, and has no other character, whatever it looks like."""
    assert not is_name(name)


@pytest.mark.parametrize(("name", "expected"), [("ab", True), ("a" * 64, True), ("a", False), ("a" * 65, False)])
def test_moltbook_names_are_longer(name: str, expected: bool) -> None:
    """A Moltbook name has 2-64 of the same characters."""
    assert is_moltbook_name(name) == expected


@pytest.mark.parametrize("first", ["Lil_O0", "LIL-OO"])
@pytest.mark.parametrize("second", ["lil_o0", "1iI-0o"])
def test_look_alikes_are_one_name(first: str, second: str) -> None:
    """Names that differ in case, `-` and `_`, `1`, `i` and `l`, or `0` and `o` alone have one canonical form."""
    assert canonical(first) == canonical(second)


@pytest.mark.parametrize("name", RESERVED_NAMES)
@pytest.mark.parametrize("written", [str.upper, str.title, lambda name: name.replace("o", "0").replace("l", "1")])
def test_reserved_names_however_written(name: str, written: type[str]) -> None:
    """A reserved name is reserved in every spelling that looks like it."""
    assert is_reserved(written(name))


@pytest.mark.parametrize("name", ["Admin_", "_admin_", "ad-min", "Moltbook-", "chatr-AI", "chatrai", "-system"])
def test_separators_do_not_free_a_reserved_name(name: str) -> None:
    """A reserved name with separators before, in or after it is still reserved."""
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["the_admin", "TheAdmin", "the-mod", "admin1", "Admin_42", "r00t-1", "the_chatr"])
def test_an_article_or_a_number_does_not_free_a_reserved_name(name: str) -> None:
    """`the` before a reserved name, and a number after one that means authority, leave it reserved."""
    assert is_reserved(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "chatr_official",
            "Official-Chatr",
            "moltbook_official",
            "chatr-support",
            "ChatrTeam",
            "real_admin",
            "room-adm1n",
        ),
        *(
            "the_real_admin",
            "server_admin_2",
            "verified_moderator",
            "official_chatr_ai",
            "admins",
            "Mods",
            "chatr-adrnin",
        ),
    ],
)
def test_reserved_names_together_are_reserved(name: str) -> None:
    """A name that consists of words of authority, with words such as `team` and `real`, is reserved."""
    assert is_reserved(name)


@pytest.mark.parametrize("first", ["Clawd", "Cl-awd", "_Clawd"])
@pytest.mark.parametrize("second", ["clawd_", "Clavvd", "CL_AVV-D", "c1awd"])
def test_names_that_look_alike_have_one_strict_form(first: str, second: str) -> None:
    """Separators do not count, `vv` counts as `w` and `rn` as `m`."""
    assert strict_form(first) == strict_form(second)


@pytest.mark.parametrize("names", [("Mornvw", "Mom-wv", "momvvv"), ("corn", "c0m"), ("__", "-_-")])
def test_strict_forms_are_the_same_in_every_mixture(names: tuple[str, ...]) -> None:
    """However `v` and `w`, or `r`, `n` and `m`, are mixed, equal strokes have one form."""
    assert len(set(map(strict_form, names))) == 1


@pytest.mark.parametrize(("first", "second"), [("Clawd", "Claud"), ("Ada", "Adam"), ("nr", "m"), ("bot-1", "bot-2")])
def test_other_names_have_other_strict_forms(first: str, second: str) -> None:
    """Names that only resemble one another stay apart."""
    assert strict_form(first) != strict_form(second)


@pytest.mark.parametrize(
    "name",
    [
        "Crab",
        "systematic",
        "badmin",
        "chatroom",
        "Bot2",
        "sysadmintools",
        "agent-007",
        "user_123",
        "thesis",
        "modbot",
        "support_agent",
        "teamroom",
        "RealClawd",
    ],
)
def test_names_that_contain_a_reserved_one_are_free(name: str) -> None:
    """A name that only contains a reserved one is not reserved."""
    assert not is_reserved(name)


@pytest.mark.parametrize("char", FORBIDDEN_CONTROLS, ids=ascii)
def test_controls_are_not_clean(char: str) -> None:
    """A text with a control character other than line feed and tab is not clean."""
    assert not is_clean(f"a{char}b")


@pytest.mark.parametrize(
    "char",
    [
        *("\u202a", "\u202e", "\u2066", "\u2069", "\U000e0001", "\U000e0041", "\U000e007f"),
        *("\ud800", "\udfff", "\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"),
    ],
    ids=ascii,
)
def test_directions_tags_and_non_characters_are_not_clean(char: str) -> None:
    """A text with a direction control, a tag, a surrogate or a noncharacter is not clean."""
    assert not is_clean(f"a{char}b")


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Cn"])))
def test_plain_text_is_clean(text: str) -> None:
    """Letters, marks, numbers, punctuation, symbols and separators of every script are clean."""
    assert is_clean(text + "\n\t")


@pytest.mark.parametrize(
    "text",
    ["a", "1", ".", "🦀", "é", "中", "👩\u200d🚀", "\u0301", "\U0001fae9", "\ue000"],
    ids=ascii,
)
def test_visible_texts(text: str) -> None:
    """A text with anything to see is visible, be it an emoji newer than this Python or a private character."""
    assert is_visible(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " \t\n",
            "\u2028",
            "\u200b\u200c\u200d",
            "\u2060",
            "\ufeff",
            "\u00ad",
            "\u3164",
            "\u2800",
            "\u115f\u1160",
        ),
        *("\uffa0", "\ufe0f", "\ufe0e", "\U000e0100", "\u034f", "\u180b", "\u180e", "\u061c", "\u2062", "\u17b4"),
        *("\U0001d159", "\U0001d173", "\U000e0041\U000e007f", "\U000e0080", "\ufff0"),
    ],
    ids=ascii,
)
def test_invisible_texts(text: str) -> None:
    """A text of characters that Unicode ignores by default is invisible, alone or with white space."""
    assert not is_visible(text)
    assert not is_visible(f"{text} {text}\u3000")


@pytest.mark.parametrize("mark", ["\u0323", "\u20dd", "\ufe0f"], ids=ascii)
def test_nine_marks_are_a_stack(mark: str) -> None:
    """Eight marks on one character are allowed, nine are a stack."""
    assert not has_stacked_marks(f"ax{mark * 8}x{mark * 8}b")
    assert has_stacked_marks(f"ax{mark * 9}b")


@pytest.mark.parametrize("base", ["e\u0301", "a\u0323\u0302"], ids=ascii)
def test_composed_marks_count(base: str) -> None:
    """A mark that is composed with its base into one character counts too."""
    stacked = unicodedata.normalize("NFC", base) + "\u0335" * (10 - len(base))

    assert has_stacked_marks(stacked)
    assert not has_stacked_marks(stacked[:-1])


@pytest.mark.parametrize("joiner", ["\u200b", "\u200c", "\u200d", "\u034f", "\u2060", "\ufeff"], ids=ascii)
def test_an_invisible_character_does_not_end_a_stack(joiner: str) -> None:
    """Marks before and after a character that shows nothing are one stack."""
    assert has_stacked_marks("x" + "\u0335" * 8 + joiner + "\u0335" * 8)


@pytest.mark.parametrize(
    "text",
    [
        "ศรีสะเกษ ที่นี่",
        "בְּרֵאשִׁית בָּרָא",
        "بِسْمِ ٱللَّهِ",
        "नमस्ते क्ष्म्य",
        "Tiếng Việt ắ ặ",
        "བསྒྲུབས",
        "1️⃣ ❤️‍🔥 👨‍👩‍👧‍👦",
    ],
    ids=ascii,
)
def test_scripts_and_emoji_are_no_stacks(text: str) -> None:
    """Texts in scripts with many marks, and emoji, have no stacked marks."""
    assert not has_stacked_marks(text)


def test_printable_text_is_clean() -> None:
    """No printable character is a control, a tag or a noncharacter, so that printable text need not be searched."""
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))

    assert not [pattern for pattern in FORBIDDEN if pattern.search(printable)]


LINE_BREAKS = [char for char in map(chr, range(0x110000)) if len(f"a{char}b".splitlines()) > 1]
BADGES = "\N{LOBSTER}\u2713\u2714\u2611\u2705\U0001f5f8\U0001f5f9\u237b\u221a\U00010102\U0001fbb1"


@pytest.mark.parametrize("char", [*LINE_BREAKS, "\t"], ids=lambda char: f"{ord(char):04X}")
def test_a_line_break_is_no_part_of_a_line(char: str) -> None:
    """Every character at which Python breaks lines, and the tab, makes a text more than one line."""
    assert not is_one_line(f"a{char}b")
    assert not is_one_line(f"a{char}")


@pytest.mark.parametrize("char", BADGES)
@pytest.mark.parametrize("written", ["{}", "{}\ufe0e", "{}\ufe0f", "\U0001f916{}", "{}\u200d\U0001f916", "{}\u20e3"])
def test_a_badge_is_found(char: str, written: str) -> None:
    """What looks like a badge is found alone, with a variation selector, and inside a sequence."""
    assert has_badge(written.format(char))


@pytest.mark.parametrize("avatar", ["\U0001f916", "\U0001f980", "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", "v1"])
def test_other_avatars_are_no_badge(avatar: str) -> None:
    """Other emoji and letters are no badge, and are one line."""
    assert not has_badge(avatar)
    assert is_one_line(avatar)
