"""docs/operating.md as a list of commands, each with its section and the output that is shown below it."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

PAGE: Final = Path("docs/operating.md").read_text("utf-8")
HEADING: Final = re.compile(r"^#{1,3} (.*)$", re.MULTILINE)
BLOCK: Final = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
COMMAND: Final = re.compile(r"^.*<<'END'\n(?:.*\n)*?END$|^.+$", re.MULTILINE)
"""One line, or several where the input of the command is given."""
CHANGING: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:-]+(?:\.\d+)?Z"), "TIME"),
    (re.compile(r"chatr_\w{36}"), "KEY"),
    (re.compile(r"\b\d+:[0-9a-f]{64}\b"), "HEAD"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "LOG"),
    (re.compile(r"\brecord \d+"), "record N"),
    (re.compile(r"\b\d+ records"), "N records"),
    (re.compile(r'(?<="version":")[^"]+'), "VERSION"),
)
"""What is different each time that a command is run: times, keys, ids and positions."""


@frozen
class Block:
    """A fenced block of the page."""

    section: str
    language: str
    text: str


@frozen
class Step:
    """A command of the page. `output` is what the page shows below it; None if it shows nothing."""

    section: str
    command: str
    output: str | None


def blocks() -> Iterator[Block]:
    """Yield the fenced blocks of the page, without their indentation."""
    headings = [
        (each.start(), each[1]) for each in HEADING.finditer(BLOCK.sub(lambda block: "." * len(block[0]), PAGE))
    ]
    for found in BLOCK.finditer(PAGE):
        section = [name for start, name in headings if start < found.start()][-1]
        yield Block(section, found[2], textwrap.dedent(found[3]))


def steps_in(block: Block) -> Iterator[Step]:
    """Yield the commands of a block of the shell or of a console."""
    if block.language == "sh":
        yield from (Step(block.section, command, None) for command in COMMAND.findall(block.text))
    if block.language == "console":
        parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)[1:]
        for command, output in zip(parts[::2], parts[1::2], strict=True):
            yield Step(block.section, command, output or None)


BLOCKS: Final = tuple(blocks())
STEPS: Final = tuple(step for block in BLOCKS for step in steps_in(block))


def comparable(output: str) -> str:
    """Return an output with a word in the place of everything that is different each time."""
    for pattern, word in CHANGING:
        output = pattern.sub(word, output)
    return output.rstrip("\n")
