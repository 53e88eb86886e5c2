"""Keeps secrets out of what is printed: `Secret` holds one, and `hide_secrets` leaves them out of a text."""

import re
from typing import Final

HIDDEN: Final = "…"
PLACEHOLDER: Final = re.compile(r"USER:PASSWORD@\S*")
"""The example in a help or an error that says how a URL is written. It is no secret and is shown."""
ASSIGNMENT: Final = re.compile(
    r"""((?<![\w-])[\w-]*(?:pass(?:word|wd|file|phrase)?|pwd|secret|token|key)\s*=\s*)('(?:[^'\\]|\\+.)*'?|[^\s&'"]+)""",
    re.IGNORECASE,
)
"""A parameter with a secret, as in `password=…` of a connection string or a query."""
KEY: Final = re.compile(r"\b(?:chatr|moltbook_sk)_[0-9A-Za-z]{20,}")
"""A key of an agent, in chatr or Moltbook."""
# No part of a word is tried as the beginning of a scheme, which would take long in a long word.
SCHEME: Final = r"(?:(?<![\w+.-])[\w+.-]+)?://"
USER: Final = re.compile(rf"""({SCHEME})(?!USER:PASSWORD@)[^\s/@:]*:(?!\d+(?:[/?#.,;:\s"')]|$)).*@""")
"""The beginning of a URL with a password, which may hold anything: where a name and a colon begin that are no host and
port, all up to the last @ of the line is taken.
"""
URL: Final = re.compile(rf"""{SCHEME}(?:[^\s"'<>]*[^\s"'<>.,:;)])?""")
WORD: Final = re.compile(r"""[^\s"']+""")
HOSTS: Final = re.compile(r"(?:(?:[^\W_][\w.%*-]*|\[[\w:.%]+\])?(?::(?:\d*|PORT))?(?:,|$))*")
"""The hosts of a URL, each with its port. What has another form may be a part of a password."""


class Secret:
    """A text that is, or contains, a secret. Whatever prints it prints `shown`; only `reveal` returns it."""

    __slots__ = ("_shown", "_text")

    def __init__(self, text: str, shown: str = HIDDEN) -> None:
        self._text = text
        self._shown = shown

    def reveal(self) -> str:
        """Return the text with the secret, to use it, not to print it."""
        return self._text

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"<{self._shown}>"

    def __format__(self, spec: str) -> str:
        return format(self._shown, spec)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)


class HidesKey:
    """Lets the `repr` of a struct hide its field `api_key`."""

    __slots__ = ()
    __struct_fields__: tuple[str, ...]

    def __repr__(self) -> str:
        shown = {name: repr(getattr(self, name)) for name in self.__struct_fields__} | {"api_key": HIDDEN}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in shown.items())})"


def secret_key(value: str | Secret) -> Secret:
    """Return `value` as a secret of which nothing is shown."""
    return value if isinstance(value, Secret) else Secret(value)


def secret_url(value: str | Secret) -> Secret:
    """Return a URL as a secret that is shown without its password. The URL need not be well-formed."""
    return value if isinstance(value, Secret) else Secret(value, shown_url(value))


def revealed(value: str | Secret) -> str:
    """Return the text of a value that may be a secret, to use it, not to print it."""
    return value.reveal() if isinstance(value, Secret) else value


def shown_url(text: str) -> str:
    """Return a URL, or a connection string or path in its place, without the secrets in it."""
    # First the parameters, because an @ in a password there would be taken for the end of the user's.
    text = ASSIGNMENT.sub(rf"\1{HIDDEN}", text.strip())
    scheme, separator, rest = text.partition("://")
    # A path of SQLite may contain any character.
    if scheme.endswith("sqlite") or scheme.startswith("sqlite:"):
        return text
    if separator and "@" not in scheme:
        return f"{scheme}://{shown_place(rest)}"
    # NAME:PASSWORD@HOST, as of somebody who forgot the scheme.
    return HIDDEN if ":" in text.rpartition("@")[0] else text


def shown_place(rest: str) -> str:
    """Return what stands behind the `://` of a URL, without the name of a user, a password and the query."""
    if PLACEHOLDER.match(rest):
        return rest
    # A ? before an @ may be a part of a password.
    user, at, place = rest.rpartition("@")
    place, question, _ = place.partition("?")
    hosts, slash, path = place.partition("/")
    if not HOSTS.fullmatch(hosts):
        hosts = HIDDEN
    return (HIDDEN + at if user or at else "") + hosts + slash + path + (question + HIDDEN if question else "")


def hide_secrets(text: str) -> str:
    """Return a text of any origin, such as an error, without the secrets in the URLs and parameters that it quotes."""
    text = KEY.sub(HIDDEN, ASSIGNMENT.sub(rf"\1{HIDDEN}", text))
    return "\n".join(map(without_credentials, text.split("\n")))


def without_credentials(line: str) -> str:
    """Return a line without the users and passwords before an @."""
    # Nothing is searched for behind the last @: each URL there would be followed to the end of the line.
    end = line.rfind("@") + 1
    line = USER.sub(rf"\1{HIDDEN}@", line[:end]) + line[end:]
    line = URL.sub(lambda found: shown_url(found[0]), line)
    return WORD.sub(lambda found: shown_word(found[0]), line)


def shown_word(word: str) -> str:
    """Return a word, hidden if it is NAME:PASSWORD@HOST without a scheme."""
    name, _, rest = word.partition(":")
    is_url = name == "sqlite" or f"{HIDDEN}@" in word or PLACEHOLDER.search(word)
    return HIDDEN if rest.rpartition("@")[0] and not is_url else word
