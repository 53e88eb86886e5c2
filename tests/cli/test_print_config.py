"""chatr serve --print-config prints a file that --config reads."""

import re
import tomllib
from pathlib import Path

import pytest
from attrs import asdict, fields

from chatr.cli.output.commented_config import commented_config
from chatr.settings import Settings, default_of, flag, variable
from chatr.settings_loading import load
from tests.cli.conftest import Chatr
from tests.cli.steps import error_of, output_of
from tests.test_settings import SAMPLES

NAMES = [each.name for each in fields(Settings)]
SAMPLE_FLAGS = [text for name, (value, _) in SAMPLES.items() for text in (flag(name), value)]
SAMPLE_VALUES = {name: value for name, (_, value) in SAMPLES.items()}
ODD_TEXTS = ['a"b', "a\\b", "a'b", "ä🦀", "a b", "a\x7fb", "a\x01b", "a\nb", "true", "8080", "#a"]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(variable(name), raising=False)


def loaded(folder: Path, text: str) -> Settings:
    """Return the settings that a configuration file of this text gives."""
    path = folder / "chatr.toml"
    path.write_text(text, "utf-8")
    return load({}, {}, path)


def test_every_setting_is_explained(chatr: Chatr) -> None:
    """For each setting there are its name with its default, its flag, its variable and what it is."""
    text = output_of(chatr, "serve", "--print-config")
    explained = [
        each.name
        for each in fields(Settings)
        if all(part in text for part in (f"#{each.name} = ", flag(each.name), variable(each.name), default_of(each)))
        and each.metadata["description"][1:] in text
    ]

    assert explained == NAMES


def test_without_given_settings_the_file_changes_nothing(chatr: Chatr, tmp_path: Path) -> None:
    """All defaults are comments."""
    assert loaded(tmp_path, output_of(chatr, "serve", "--print-config")) == Settings()


def test_defaults_can_be_uncommented(chatr: Chatr, tmp_path: Path) -> None:
    """Without the # before each setting, the file gives every setting a valid value: its default if it has one."""
    text = re.sub(r"^#(?=\w+ = )", "", output_of(chatr, "serve", "--print-config"), flags=re.MULTILINE)
    settings = asdict(loaded(tmp_path, text))

    assert list(tomllib.loads(text)) == NAMES
    assert {name: value for name, value in asdict(Settings()).items() if value is not None} == {
        name: settings[name] for name, value in asdict(Settings()).items() if value is not None
    }


def test_the_printed_file_gives_the_same_settings(chatr: Chatr, tmp_path: Path) -> None:
    """What flags give is set in the file, so a server started on the file alone is the same."""
    text = output_of(chatr, "serve", "--print-config", *SAMPLE_FLAGS)

    assert loaded(tmp_path, text) == Settings(**SAMPLE_VALUES)


def test_values_come_from_variables_and_the_file_too(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file in force is taken over, corrected by variables and flags. Also a value that is the default is set."""
    (tmp_path / "old.toml").write_text("port = 1\nhistory = 1\nmax-streams = 5000\nstats-every = 3\n")
    monkeypatch.setenv(variable("port"), "2")
    monkeypatch.setenv(variable("history"), "2")
    text = output_of(chatr, "serve", "--print-config", "--config", tmp_path / "old.toml", "--port", "3")

    assert tomllib.loads(text) == {"port": 3, "history": 2, "max_streams": 5000, "stats_every": 3}


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts_are_quoted(text: str, tmp_path: Path) -> None:
    """Quotes, line breaks and control characters in a value are read back as they are."""
    assert loaded(tmp_path, commented_config({"log": text})) == Settings(log=text)


def test_a_value_that_no_file_can_hold_is_refused(chatr: Chatr) -> None:
    """Bytes that are no UTF-8 cannot stand in a TOML file; the error names the flag."""
    assert "--log is not UTF-8" in error_of(chatr, "serve", "--print-config", "--log", "sqlite:///\udcff.db")


def test_a_bad_value_is_refused(chatr: Chatr) -> None:
    """A file that the server would not accept is not printed."""
    assert "--port cannot be 'http'" in error_of(chatr, "serve", "--print-config", "--port", "http")
