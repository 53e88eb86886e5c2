"""Variables as platforms, shells and files set them: one rule for all values."""

from pathlib import Path

import pytest
from attrs import fields

from chatr.cli.commands.room.chosen_room import key_in_environment, room_in_environment
from chatr.cli.unknown_variables import ignored_port, unknown_variables
from chatr.environment import variable_value
from chatr.settings import BadSetting, Settings, variable
from chatr.settings_loading import load
from chatr.text_of_bytes import text_of_bytes

KUBERNETES = {
    "CHATR_SERVICE_HOST": "10.96.3.7",
    "CHATR_SERVICE_PORT": "8080",
    "CHATR_SERVICE_PORT_HTTP": "8080",
    "CHATR_PORT": "tcp://10.96.3.7:8080",
    "CHATR_PORT_8080_TCP": "tcp://10.96.3.7:8080",
    "CHATR_PORT_8080_TCP_PROTO": "tcp",
    "CHATR_PORT_8080_TCP_PORT": "8080",
    "CHATR_PORT_8080_TCP_ADDR": "10.96.3.7",
    "CHATR_METRICS_SERVICE_HOST": "10.96.3.8",
    "CHATR_METRICS_SERVICE_PORT": "9464",
    "CHATR_METRICS_PORT": "tcp://10.96.3.8:9464",
    "CHATR_METRICS_PORT_9464_TCP_ADDR": "10.96.3.8",
}
DOCKER = {
    "CHATR_PORT": "udp://172.17.0.5:53",
    "CHATR_PORT_53_UDP": "udp://172.17.0.5:53",
    "CHATR_PORT_53_UDP_ADDR": "172.17.0.5",
    "CHATR_NAME": "/web/chatr",
    "CHATR_ENV_PATH": "/usr/bin",
}


@pytest.mark.parametrize("links", [KUBERNETES, DOCKER], ids=["Kubernetes", "Docker"])
def test_links_to_a_service_named_chatr_are_no_settings(links: dict[str, str]) -> None:
    """The room starts with its defaults, and no variable is reported as misspelt."""
    assert load({}, links, None) == Settings()
    assert unknown_variables(links) == {}


def test_a_misspelt_setting_is_reported_beside_links() -> None:
    """Only what a platform sets is left out."""
    assert unknown_variables([*KUBERNETES, "CHATR_PORTS", "CHATR_ONLINE_PORT"]) == {
        "CHATR_ONLINE_PORT": "CHATR_ONLINE_FOR",
        "CHATR_PORTS": "CHATR_PORT",
    }


def test_a_port_that_is_given_wins_over_links() -> None:
    """Of the variables of a pod, those that it sets itself are the ones that it gets."""
    assert load({}, KUBERNETES | {"CHATR_PORT": "8081"}, None).port == 8081
    assert load({"port": "8082"}, KUBERNETES, None).port == 8082


@pytest.mark.parametrize("empty", ["", " ", "\n", "\r", '""', "''", '" "', "\ufeff"])
def test_empty_variables_are_not_given(empty: str) -> None:
    """Compose files write `${X:-}`. The defaults apply, so an empty host opens the room to nobody else."""
    assert load({}, {variable(each.name): empty for each in fields(Settings)}, None) == Settings()


@pytest.mark.parametrize(
    "form", ["{}\n", "{}\r\n", "{}\r", " {}\t", '"{}"', "'{}'", '"{}"\r\n', '" {} "', "\ufeff{}", "\u00a0{}"]
)
def test_what_surrounds_a_value_is_not_part_of_it(form: str) -> None:
    """White space comes from `$(cat file)`, CR from Windows, quotes from `docker run --env-file`."""
    values = {"port": "8081", "log": "sqlite:////srv/x.db", "public_url": "https://a.example", "moltbook_key": "abc"}
    environ = {variable(name): form.format(value) for name, value in values.items()}

    assert load({}, environ, None) == load(values, {}, None)


def test_quotes_that_do_not_match_stay() -> None:
    """They are most likely a mistake, which the error shows."""
    with pytest.raises(BadSetting, match=r"""CHATR_PORT cannot be '"8081': it must be a whole number"""):
        load({}, {"CHATR_PORT": '"8081'}, None)


def test_room_and_key_of_an_agent_follow_the_same_rule() -> None:
    """CHATR_URL and CHATR_KEY come from the same files."""
    environ = {"CHATR_URL": "'https://a.example/room'\r\n", "CHATR_KEY": '"abc"\n'}

    assert room_in_environment(environ) == "https://a.example/room"
    assert key_in_environment("https://a.example/room", environ) == "abc"
    assert room_in_environment({"CHATR_URL": " "}) is None


def test_a_missing_variable_is_not_given() -> None:
    """No value is None."""
    assert variable_value({}, "CHATR_LOG") is None


@pytest.mark.parametrize("text", ["8_080", "8080.0", "+8080", "0x1F90", "8080tcp"])
def test_a_number_in_another_form_is_refused(text: str) -> None:
    """The error names the variable and says what it must be."""
    with pytest.raises(BadSetting, match=r"CHATR_PORT cannot be .*: it must be a whole number from 0 to 65535"):
        load({}, {"CHATR_PORT": text}, None)


def test_port_is_no_setting() -> None:
    """PORT is set by platforms, and by people for other programs. It is reported where the room listens elsewhere."""
    assert load({}, {"PORT": "5000"}, None).port == 8080
    assert ignored_port({"PORT": "5000"}, 8080) == "5000"
    assert [ignored_port({"PORT": port}, 8080) for port in ("", "8080", "http")] == [None] * 3
    # With another port than the default, somebody has decided.
    assert ignored_port({"PORT": "5000"}, 9000) is None


TOML = "# Grüße\nport = 8081\n"


@pytest.mark.parametrize(
    "content",
    [
        TOML.encode("utf-8-sig"),
        TOML.encode("utf-16"),
        TOML.encode("utf-16-le").join([b"\xff\xfe", b""]),
        ("\ufeff" + TOML).encode("utf-16-be"),
        TOML.replace("\n", "\r\n").encode(),
        b"port = ' 8081 '",
    ],
)
def test_a_file_of_another_editor_is_read(tmp_path: Path, content: bytes) -> None:
    """Byte order marks, UTF-16 and the line ends of Windows say nothing about the settings."""
    (tmp_path / "chatr.toml").write_bytes(content)

    assert load({}, {}, tmp_path / "chatr.toml").port == 8081


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(TOML.encode("latin-1"), "it is not UTF-8 (byte 4)"), (TOML.encode("utf-16")[:-1], "it is not UTF-8")],
)
def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    """The error says what to do with it."""
    (tmp_path / "chatr.toml").write_bytes(content)
    with pytest.raises(BadSetting) as error:
        load({}, {}, tmp_path / "chatr.toml")

    assert sentence in str(error.value)
    assert str(error.value).endswith(": convert it to UTF-8.")


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    """Every default applies."""
    (tmp_path / "chatr.toml").write_bytes(b"")

    assert load({}, {}, tmp_path / "chatr.toml") == Settings()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """The error has no number of the operating system."""
    with pytest.raises(BadSetting) as error:
        load({}, {}, tmp_path)

    assert str(error.value) == f"The file {tmp_path} cannot be read: Is a directory."


def test_text_has_line_feeds_as_line_ends() -> None:
    """A message that was written on Windows has no carriage returns."""
    assert text_of_bytes(b"\xef\xbb\xbfa\r\nb") == "a\nb"
