"""The settings that are given by flags, environment variables and a configuration file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, fields

from chatr.config_file import read_toml
from chatr.environment import variable_value
from chatr.secret import HIDDEN, shown_url
from chatr.setting_values import parse_secret_key, setting_text
from chatr.settings import LISTS, SWITCHES, BadSetting, Settings, flag, variable


def load(flags: Mapping[str, str | None], environ: Mapping[str, str], config: Path | None) -> Settings:
    """The settings given by flags, environment variables and the TOML file `config`. Raises BadSetting."""
    return Settings(**given_values(flags, environ, config))


def given_values(flags: Mapping[str, str | None], environ: Mapping[str, str], config: Path | None) -> dict[str, Any]:
    """The values of the settings that are given somewhere, by name. Raises BadSetting."""
    file = read_config_file(config) if config else {}
    return {each.name: value for each in fields(Settings) for value in given_value(each, flags, environ, file)}


def given_value(
    attribute: "Attribute[Any]", flags: Mapping[str, str | None], environ: Mapping[str, str], file: Mapping[str, str]
) -> Iterator[Any]:
    """Yield the value of a setting from the first source that has it, or nothing if none has. Raises BadSetting.

    Later sources are not even parsed, so that a flag can correct a bad variable and a variable a bad file.
    """
    # An iterator of at most one value: `given_values` leaves out a setting without one, so that its default applies.
    name = attribute.name
    sources = (
        (flag(name), flags.get(name)),
        (variable(name), variable_value(environ, variable(name))),
        (f"{name} in the file", file.get(name)),
    )
    for source, text in sources:
        if text is not None:
            try:
                # No value begins or ends with white space, which shells and files leave there.
                yield attribute.metadata["parse"](text.strip())
            except ValueError as error:
                raise BadSetting(f"{source} cannot be {shown_value(attribute, text)!r}: {error}.") from error
            return


def shown_value(attribute: "Attribute[Any]", text: str) -> str:
    """A text that is no value of a setting, without the secrets in it."""
    # It may be the value of another setting that was given to this one by mistake.
    return HIDDEN if attribute.metadata["parse"] is parse_secret_key else shown_url(text)


def read_config_file(config: Path) -> dict[str, str]:
    """The settings in a TOML file, by name, as text. Raises BadSetting."""
    try:
        document = read_toml(config)
    except OSError as error:
        raise BadSetting(f"The file {config} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadSetting(f"The file {config} cannot be read: {error}.") from error
    given = {name.replace("-", "_"): value for name, value in document.items()}
    if unknown := given.keys() - {each.name for each in fields(Settings)}:
        raise BadSetting(f"The file {config} has settings that do not exist: {', '.join(sorted(unknown))}.")
    return {name: file_value_text(name, value) for name, value in given.items()}


def file_value_text(name: str, value: object) -> str:
    """A value of the file as a flag would give it; only networks may be a list. Raises BadSetting."""
    if isinstance(value, list) and name in LISTS and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, bool) and name in SWITCHES:
        return setting_text(value)
    # In Python a bool is an int, but `port = true` is a mistake.
    if not isinstance(value, str | int) or isinstance(value, bool):
        # Without the value, which may be a list with a secret in it.
        raise BadSetting(f"{name} in the file must be text or a whole number.")
    return str(value)
