"""A commented configuration file in TOML, with every setting."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import Attribute, fields

from chatr.secret import Secret
from chatr.setting_values import setting_text
from chatr.settings import DEFAULTS_OF_A_NEW_LOG, LISTS, BadSetting, Settings, flag, variable

INTRODUCTION: Final = """\
# Settings of a chatr server, for: chatr serve --config FILE
#
# A flag wins over its environment variable, that over this file, and that over the default. Lines such as #port = 8080
# show defaults. Remove the # to set one.
"""
STORED_IN_LOG: Final = """\
# Stored in the log. A new log begins with this value. If it is set here, it replaces that of the log at each start.
"""
CONFIDENTIAL: Final = """\
# This is, or contains, a secret: let nobody but the user of the server read the file.
"""
EXAMPLE: Final = "# It has no default. An example:\n"


def commented_config(given: Mapping[str, Any]) -> str:
    """Return the text of a file that sets the `given` values, by name of their settings; the others are comments.

    Raises BadSetting for a value that no TOML file can hold.
    """
    return INTRODUCTION + "".join(paragraph for each in fields(Settings) for paragraph in paragraphs(each, given))


def paragraphs(setting: "Attribute[Any]", given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the file says of one setting: its meaning, its other names, and its value."""
    name, description = setting.name, setting.metadata["description"]
    yield f"\n# {description[0].upper()}{description[1:]}.\n"
    yield f"# {setting.metadata['metavar']}; also {flag(name)} or {variable(name)}.\n"
    if name in DEFAULTS_OF_A_NEW_LOG:
        yield STORED_IN_LOG
    if name in given:
        if is_secret(given[name]):
            yield CONFIDENTIAL
        yield f"{name} = {toml_value(name, given[name])}\n"
    elif example := setting.metadata["example"]:
        yield f"{EXAMPLE}#{name} = {toml_text(name, example)}\n"
    else:
        default = DEFAULTS_OF_A_NEW_LOG.get(name, setting.default)
        yield f"#{name} = {toml_value(name, default)}\n"


def is_secret(value: object) -> bool:
    """Return whether a value is not printed elsewhere, or not in full."""
    return isinstance(value, Secret) and value.reveal() != str(value)


def toml_value(name: str, value: object) -> str:
    """Return the value of the setting `name` as TOML. Raises BadSetting."""
    match value:
        case bool():  # an int, too
            return str(value).lower()
        case int():
            return setting_text(value)
        case Secret():
            return toml_text(name, value.reveal())
        case tuple() if name in LISTS:
            return f"[{', '.join(toml_text(name, str(each)) for each in value)}]"
        case _:
            return toml_text(name, setting_text(value))


def toml_text(name: str, text: str) -> str:
    """Return a text in quotes, as a basic string of TOML. Raises BadSetting if it is not Unicode."""
    # Bytes of the command line that are no UTF-8 arrive as lone surrogates.
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise BadSetting(f"{flag(name)} is not UTF-8, so it cannot stand in a file.")
    # The strings of JSON are strings of TOML, except for one control character that JSON does not escape.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
