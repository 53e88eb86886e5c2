"""Values with secrets: what is printed of them, well-formed or not."""

import json
from base64 import b64encode
from time import process_time
from urllib.parse import quote

import pytest
import structlog
from attrs import evolve

from chatr.cli.commands.room.chosen_room import ChosenRoom
from chatr.cli.commands.room.joined_rooms import JoinedRoom
from chatr.client import BlockingRoom, Room
from chatr.secret import Secret, hide_secrets, secret_key, secret_url, shown_url
from chatr.settings import Settings
from chatr.wire import RegisteredAgent

PASSWORD = "Rosebud"
URLS = [
    f"postgresql://u:{PASSWORD}@h/d",
    f"postgresql://u:p@{PASSWORD}:word@h/d",
    f"postgresql://u:{PASSWORD}@{PASSWORD}@h/d",
    f"postgresql://u:a/{PASSWORD}@h/d",
    f"postgresql://u:a?{PASSWORD}@h/d",
    f"postgresql://u:a#{PASSWORD}@h/d",
    f"postgresql://u:a'{PASSWORD}@h/d",
    f'postgresql://u:a"{PASSWORD}@h/d',
    f"postgresql://u:a {PASSWORD}@h/d",
    f"postgresql://u:%2F{PASSWORD}@h/d",
    f"postgresql://:{PASSWORD}@/d",
    f"postgresql://{PASSWORD}@h/d",
    f"postgresql://u:{PASSWORD}@h1:1,h2:2/d",
    f"postgres://u:{PASSWORD}@h:port/d",
    f"postgresql://u:{PASSWORD}@[::1/d",
    f"postgresql://u:{PASSWORD}/d",
    f"postgresql://u:{PASSWORD}",
    f"  postgresql://u:{PASSWORD}@h/d  ",
    f'"postgresql://u:{PASSWORD}@h/d"',
    f"postgressql://u:{PASSWORD}@h",
    f"postgresql+psycopg://u:{PASSWORD}@h/d",
    f"mysql://u:{PASSWORD}@h/d",
    f"PostgreSQL://u:{PASSWORD}@h",
    f"postgresql:/u:{PASSWORD}@h",
    f"postgresql:u:{PASSWORD}@h",
    f"u:{PASSWORD}@h/d",
    f"postgresql://h/d?password={PASSWORD}",
    f"postgresql://h/d?user=u&password=p@{PASSWORD}",
    f"postgresql://u:x@h/d?%70assword={PASSWORD}",
    f"postgresql:///d?passfile={PASSWORD}&sslpassword={PASSWORD}",
    f"jdbc:postgresql://h/d?user=u&password={PASSWORD}",
    f"host=h password={PASSWORD} dbname=d",
    f"host=h PASSWORD = 'a {PASSWORD}' dbname=d",
    f"host=h password='a\\'{PASSWORD}' dbname=d",
    f"host=h password={PASSWORD} options=a://b",
    f"u:{PASSWORD}@h/d?options=a://b",
    f"https://u:{PASSWORD}@proxy.example.org:3128",
    f"https://u:{PASSWORD}@chat.example.org/room",
]
HARMLESS = [
    "sqlite:////srv/me@work/a:b/chatr.db",
    "memory:",
    "room.jsonl.gz",
    "postgresql://h_1.example.org:5432,[::1]:5433/d",
    "http://localhost:8080",
    "postgresql://…",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_shown_without_its_password(url: str) -> None:
    """Also one that is malformed, because just that one is quoted by an error."""
    assert PASSWORD not in shown_url(url)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("sentence", ["{!r} cannot be used: {}.", "Error\n  at {0!s}\nmore", '{{"at": "{0}"}}'])
def test_a_text_that_quotes_a_url_is_shown_without_its_password(url: str, sentence: str) -> None:
    """Errors of libraries quote URLs in different forms."""
    assert PASSWORD not in hide_secrets(sentence.format(url, url))


@pytest.mark.parametrize("url", HARMLESS)
def test_what_has_no_secret_is_shown_as_it_is(url: str) -> None:
    """An operator must see which log or room is meant."""
    assert (shown_url(url), hide_secrets(f"No log at {url}: x.")) == (url, f"No log at {url}: x.")


@pytest.mark.long
@pytest.mark.parametrize(
    "text", ["a" * 20 + ":", "http://h:80,", "passwd-", "a://b:x ", "(:", "(a:b@c", "x-", "key='\\"]
)
def test_a_long_text_is_searched_quickly(text: str) -> None:
    """A text of twice the length takes about twice the time. Strangers may choose the text of an error."""

    def seconds(length: int) -> float:
        began = process_time()
        hide_secrets(text * (length // len(text)))
        return process_time() - began

    assert min(seconds(40_000) for _ in range(3)) < 8 * min(seconds(10_000) for _ in range(3)) + 0.01


@pytest.mark.parametrize("key", [f"chatr_{PASSWORD * 5}1", f"moltbook_sk_{PASSWORD * 5}"])
def test_what_has_the_form_of_a_key_is_hidden(key: str) -> None:
    """Whatever quotes it: an argument in the wrong place, or the headers of a request."""
    assert "Rosebud" not in hide_secrets(f"No agent is named {key}. 'Authorization': 'Bearer {key}'")


def test_the_host_is_shown() -> None:
    """Of a URL with a password, what tells it from others stays."""
    assert shown_url("postgresql://u:pw@db.example.org:5433/chat?sslmode=require") == (
        "postgresql://…@db.example.org:5433/chat?…"
    )


def test_a_sentence_about_the_form_of_a_url_stays() -> None:
    """The hint how a URL is written is no URL with a password."""
    hint = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %XX for special characters in the password."

    assert hide_secrets(hint) == hint
    assert hide_secrets(f"write https://USER:PASSWORD@HOST, not {URLS[0]}") == (
        "write https://USER:PASSWORD@HOST, not postgresql://…@h/d"
    )


@pytest.mark.parametrize("secret", [secret_url(URLS[0]), secret_key(PASSWORD)], ids=["url", "key"])
def test_only_reveal_returns_a_secret(secret: Secret) -> None:
    """Whatever else prints it hides the secret: str, repr, f-strings, log lines, and containers that hold it."""
    line = structlog.processors.JSONRenderer()(None, "info", {"event": "x", "log": secret, "all": [secret]})
    printed = [str(secret), repr(secret), f"{secret} {secret!r} {secret:>90}", "%s" % secret, repr([secret]), line]  # noqa: UP031 -- one of the ways

    assert [each for each in printed if PASSWORD in str(each)] == []
    assert PASSWORD in secret.reveal()


def test_secrets_are_compared_by_their_texts() -> None:
    """Settings with the same secrets are equal."""
    assert secret_key("a") == secret_key("a")
    assert len({secret_key("a"), secret_key("a"), secret_key("b")}) == 2


@pytest.mark.parametrize(
    "holder",
    [
        Settings(log=URLS[0], moltbook_key=PASSWORD),
        evolve(Settings(log=URLS[0], moltbook_key=PASSWORD), port=0),
        Room("https://chat.example.org", PASSWORD),
        Room("https://chat.example.org", PASSWORD)._transport,  # noqa: SLF001 -- an object with a repr
        Room(f"https://u:{PASSWORD}@chat.example.org"),
        BlockingRoom(f"https://u:{PASSWORD}@chat.example.org", PASSWORD),
        ChosenRoom("https://chat.example.org", PASSWORD),
        JoinedRoom("Ada", PASSWORD),
        RegisteredAgent(id="1", name="Ada", api_key=PASSWORD, avatar="A"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_holds_a_secret_hides_it(holder: object) -> None:
    """Its repr gets into tracebacks of test tools, debuggers and log lines."""
    forms = [PASSWORD, quote(PASSWORD), b64encode(PASSWORD.encode()).decode()]

    assert [form for form in forms if form in repr(holder)] == []


def raise_quoting(url: str) -> None:
    """Raise an error that quotes a URL."""
    raise ValueError(url)


def test_a_log_line_hides_what_an_exception_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    """A driver's error may quote the URL that it was given, in the text and in the traceback."""
    from chatr import logging_setup  # noqa: PLC0415 -- it configures the process

    config = structlog.get_config()
    try:
        logging_setup.configure("debug")
        try:
            raise_quoting(URLS[0])
        except ValueError as error:
            structlog.get_logger().exception("append_failed", error=str(error), url=secret_url(URLS[0]))
    finally:
        structlog.configure(**config)
    line = json.loads(capsys.readouterr().err)

    assert line["error"] == "postgresql://…@h/d"
    assert "ValueError: postgresql://…@h/d" in line["exception"]
    assert PASSWORD not in str(line)
