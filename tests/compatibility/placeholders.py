"""Replace what is random or depends on the time by placeholders, and sentences that may be reworded."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define, field

RANDOM: Final = (
    (r"(?<=\r\nDate: )[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT(?=\r\n)", "date"),
    (r"(?<=\r\nX-Request-Id: )[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\r\n)", "request-id"),
    (r'(?<=\r\nEtag: ")[^"\r]+(?="\r\n)', "tag"),
    (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", "time"),
    (r"\bchatr_[0-9A-Za-z]{36}\b", "key"),
    (r"\b[0-9a-f]{64}\b", "digest"),
    (r"(?<=\nid: )(?P<position>[0-9]+)-[0-9a-f]{8}(?=\n)", r"\g<position>-fingerprint"),
    (r"(?<=\r\nRetry-After: )[0-9]+(?=\r\n)", "seconds"),
    (r'(?<=\r\nRateLimit: "messages";)(?P<left>r=[0-9]+;t=)[1-9][0-9]*', r"\g<left>seconds"),
    (r'(?<="version":")[0-9][^"]*', "version"),
    (r'(?<="retryAfter":)[0-9]+', "seconds"),
    (r'(?<="resetIn":)[1-9][0-9]*', "seconds"),
    (r"(?<=Try again in )[0-9]+(?= s\.)", "seconds"),
    (r"(?<=retry: )(?!3000\n)[1-5][0-9]{3}(?=\n)", "milliseconds"),
    (r'(?<="seconds":)[0-9]+,"messages":\[[0-9,]*\]', "activity"),
)
"""Patterns and the names of their placeholders. Where the name has a group, it is a template."""
UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
CODE: Final = re.compile(r'(?<=[\["])[A-Z2-9]{8}(?=[\]"])')
SENTENCE: Final = re.compile(r'"(error|detail|reason)":"(?:[^"\\]|\\.)*"')
WELCOME: Final = re.compile(r'"message":"(?:[^"\\]|\\.)*"')
STABLE: Final = re.compile(
    r'"code":"(?:\w+_rate_limited|too_many_streams|urls_not_allowed)"|"error":"Message must be 1-250 characters"'
)
"""Refusals whose sentence clients sort by: it must stay byte for byte."""


@define
class Placeholders:
    """Ids and codes are numbered in the order of their first appearance, so that it shows which are the same."""

    ids: list[str] = field(factory=list)
    codes: list[str] = field(factory=list)

    def replace(self, raw: bytes) -> str:
        """A response or a part of a stream as text. A carriage return is shown as ␍."""
        text = raw.decode()
        for pattern, name in RANDOM:
            text = re.sub(pattern, name if "\\g" in name else f"<{name}>", text)
        text = UUID.sub(numbered("id", self.ids), text)
        text = CODE.sub(numbered("code", self.codes), text)
        return without_sentences(text).replace("\r", "␍")


def numbered(name: str, known: list[str]) -> Callable[[re.Match[str]], str]:
    def placeholder(found: re.Match[str]) -> str:
        if found[0] not in known:
            known.append(found[0])
        return f"<{name} {known.index(found[0]) + 1}>"

    return placeholder


def without_sentences(text: str) -> str:
    """Leave out sentences that may be reworded, and the length of a body that may have another one."""
    if '"apiKey":' in text:
        replaced = WELCOME.sub('"message":"<sentence>"', text, count=1)
    elif '"success":false' in text and not STABLE.search(text):
        replaced = SENTENCE.sub(r'"\1":"<sentence>"', text)
    elif any(placeholder in text for placeholder in ("<seconds>", "<activity>", "<version>")):
        replaced = text
    else:
        return text
    return without_values(replaced, ["Content-Length"])


def without_values(text: str, headers: Sequence[str]) -> str:
    """Replace the values of these headers in all responses of the text."""
    for header in headers:
        text = re.sub(rf"(?<=\n{header}: )[^\r␍\n]+", f"<{header.lower()}>", text)
    return text
