"""Reads a Containerfile, and does on this machine what its build stage says."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.requirements import skip_without_index

CONTAINERFILE: Final = Path("Containerfile")
IGNORED: Final = Path(".dockerignore")
BUILD_SECONDS: Final = 100


@frozen
class Instruction:
    """One instruction, in the stage of that number. `argument` is on one line."""

    stage: int
    name: str
    argument: str

    @property
    def words(self) -> list[str]:
        """The words of the argument, or the texts of its JSON array."""
        return json.loads(self.argument) if self.argument.startswith("[") else shlex.split(self.argument)


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Containerfile."""
    stage = -1
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, argument = line.split(maxsplit=1)
        stage += name == "FROM"
        yield Instruction(stage, name, argument)


BUILD: Final = [each for each in instructions(CONTAINERFILE.read_text("utf-8")) if each.stage == 0]
IMAGE: Final = [each for each in instructions(CONTAINERFILE.read_text("utf-8")) if each.stage == 1]


def argument_of(name: str) -> str:
    """Return the argument of the only instruction of this name in the image."""
    (instruction,) = (each for each in IMAGE if each.name == name)
    return instruction.argument


def copy_context(folder: Path) -> None:
    """Copy what the builder is given of this checkout to `folder`."""
    lines = IGNORED.read_text("utf-8").splitlines()
    for path in (line.removeprefix("!") for line in lines if line.startswith("!")):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if Path(path).is_dir():
            shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, target)


def build(folder: Path) -> Path:
    """Do in `folder` what the build stage does, and return the environment that the image gets from it.

    The test is skipped where the packages cannot be had.
    """
    context, source, environment = folder / "context", folder / "src", folder / "environment"
    copy_context(context)
    source.mkdir()
    for each in BUILD:
        if each.name == "COPY":
            copy(context, source, *each.words)
        elif each.name == "RUN":
            run(each.argument.replace("/opt/chatr", str(environment)), source)
    return environment


def copy(context: Path, source: Path, *paths: str) -> None:
    """Copy files, or the content of a folder, as COPY does."""
    *names, target = paths
    for name in names:
        if (context / name).is_dir():
            shutil.copytree(context / name, source / target)
        else:
            place = source / target / Path(name).name if target.endswith("/") else source / target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(context / name, place)


def run(command: str, folder: Path) -> None:
    """Run a command of the build with this Python and its pip."""
    program, *arguments = shlex.split(command)
    python = [sys.executable, *(["-m", "pip"] if program == "pip" else [])]
    done = subprocess.run(
        [*python, *arguments],
        cwd=folder,
        # The machine's own pins are not those of the image.
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        check=False,
        text=True,
        timeout=BUILD_SECONDS,
    )
    if done.returncode:
        skip_without_index(f"{command} failed: {done.stderr[-500:]}")
