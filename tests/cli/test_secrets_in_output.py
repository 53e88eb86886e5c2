"""No command prints a secret: not in its help, not in an error, not in a log line."""

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, create_server, socket
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from attrs import fields

from chatr.cli.commands.admin.table import ADMIN_COMMANDS
from chatr.cli.main import COMMANDS
from chatr.settings import Settings, variable
from tests.cli.conftest import Chatr, LogFile
from tests.conftest import Serve

PASSWORD = "Rose bud/1+"
"""It has a form of its own in a URL and in base64."""
PLAIN = "Rosebud1"
FORMS = [PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), b64encode(PASSWORD.encode()).decode(), PLAIN]
URLS = {
    "well-formed": f"postgresql://u:{PLAIN}@127.0.0.1:1/d",
    "escaped": f"postgresql://u:{quote(PASSWORD, safe='')}@127.0.0.1:1/d",
    "in the query": f"postgresql://127.0.0.1:1/d?user=u&password={PLAIN}",
    "@ and : in it": f"postgresql://u:p@{PLAIN}:word@h/d",
    "port": f"postgres://u:{PLAIN}@h:port/d",
    "brackets": f"postgresql://u:{PLAIN}@[::1/d",
    "incomplete escape": f"postgresql://u:%zz{PLAIN}@127.0.0.1:1/d",
    "unknown parameter": f"postgresql://u:{PLAIN}@127.0.0.1:1/d?sslmod=x&sslpassword={PLAIN}",
    "trailing space": f"postgresql://u:{PLAIN}@127.0.0.1:1/d  ",
    "scheme": f"postgressql://u:{PLAIN}@h",
    "other store": f"mysql://u:{PLAIN}@h/d",
    "nats": f"nats://u:{PLAIN}@h",
    "conninfo": f"host=h password={PLAIN} dbname=d",
    "no scheme": f"u:{PLAIN}@h/d",
}
HELPS = [[name] for name in COMMANDS] + [["admin", name] for name in ADMIN_COMMANDS]


def leaks(*texts: str) -> list[str]:
    """The forms of the secrets that stand in these texts."""
    return [form for form in FORMS if any(form in text for text in texts)]


@pytest.fixture
def _secret_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every variable of chatr, and those of libraries, with a value that holds a secret."""
    for each in fields(Settings):
        monkeypatch.setenv(variable(each.name), URLS["well-formed"])
    for name in ("CHATR_KEY", "PGPASSWORD", "CHATR_MOLTBOOK_KEY"):
        monkeypatch.setenv(name, PLAIN)
    for name in ("CHATR_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"https://u:{PLAIN}@127.0.0.1:1")
    # urllib keeps the proxies of a process's first request for all later ones.
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.usefixtures("_secret_variables")
@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_the_help_holds_no_secret(chatr: Chatr, command: list[str]) -> None:
    """Whoever asks for help shows the answer to others. Defaults in it may come from variables."""
    result = chatr(*command, "--help")

    assert result.code == 0
    assert leaks(result.out, result.err) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [URLS["well-formed"]],
        ["log", URLS["well-formed"]],
        ["log", "--last", URLS["@ and : in it"]],
        ["serve", "--port", URLS["no scheme"]],
        ["serve", "--public-url", f"https://u:{PLAIN}@h"],
        ["serve", "--moltbook-url", f"https://u:{PLAIN}@h"],
        ["serve", "--moltbook-key", f"{PLAIN}\n{PLAIN}"],
        ["serve", "--moltbook-key", f"{PLAIN}é"],
        ["serve", "--moltbok-key", PLAIN],
        ["serve", f"--moltbok-key={PLAIN}"],
        ["doctor", "--url", f"https://u:{PLAIN}@h"],
        ["say", "--room", f"https://u:{PLAIN}@h", "Hi"],
        ["copy", URLS["scheme"], "memory:"],
        ["import", "none.jsonl", "--log", URLS["other store"]],
    ],
    ids=lambda arguments: " ".join(arguments[:2]).partition(":")[0],
)
def test_a_wrong_argument_is_quoted_without_its_secret(chatr: Chatr, arguments: list[str]) -> None:
    """The error says which argument is wrong, and not what else stands in it."""
    result = chatr(*arguments)

    assert result.code == 2
    assert leaks(result.out, result.err) == []


@pytest.mark.parametrize(
    "toml",
    [
        f"log = ['{URLS['well-formed']}']",
        f"moltbook_key = ['{PLAIN}']",
        f"moltbook_key = '{PLAIN}é'",
        f"moltbook_key = '{PLAIN}'\nmoltbook_key = 'x'",
        f"moltbook_key = {PLAIN}",
        f"public_url = '{URLS['well-formed']}'",
        f"port = '{URLS['no scheme']}'",
    ],
)
def test_a_wrong_file_is_reported_without_its_secret(chatr: Chatr, tmp_path: Path, toml: str) -> None:
    """The error names the setting or the line."""
    (tmp_path / "chatr.toml").write_text(toml)

    result = chatr("serve", "--config", tmp_path / "chatr.toml")

    assert result.code == 2
    assert leaks(result.out, result.err) == []


@pytest.mark.parametrize("url", URLS.values(), ids=list(URLS))
@pytest.mark.parametrize("command", [["log"], ["backup", "none.db"], ["admin", "close", "--reason", "x"], ["doctor"]])
def test_a_log_that_cannot_be_opened_is_named_without_its_secret(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], url: str
) -> None:
    """The URL comes from a variable, or from a flag."""
    monkeypatch.chdir(tmp_path)
    by_flag = chatr(*command, "--log", url)
    monkeypatch.setenv("CHATR_LOG", url)
    by_variable = chatr(*command)

    assert 0 not in (by_flag.code, by_variable.code)
    assert leaks(by_flag.out, by_flag.err, by_variable.out, by_variable.err) == []


@pytest.mark.long
@pytest.mark.usefixtures("_secret_variables")
@pytest.mark.parametrize("url", [URLS["escaped"], URLS["port"]])
def test_a_server_that_cannot_start_prints_no_secret(url: str) -> None:
    """Not with every line and check that Python and asyncio have for developers either."""
    debug = {"PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1", "CHATR_LOG_LEVEL": "debug"}
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CHATR_")} | debug
    command = [sys.executable, "-m", "chatr", "serve", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environ | {"CHATR_LOG": url}, check=False)

    assert ended.returncode == 2
    assert leaks(ended.stdout, ended.stderr) == []


@pytest.mark.long
@pytest.mark.usefixtures("_secret_variables")
def test_a_running_server_tells_nobody_its_secrets(
    serve: Serve, chatr: Chatr, new_log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its documents, its metrics, systemd and operators, nor its log lines."""
    for each in fields(Settings):
        monkeypatch.delenv(variable(each.name))
    monkeypatch.setenv("CHATR_MOLTBOOK_KEY", PLAIN)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    # The proxies in the environment are for other addresses.
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    address = str(new_log.path.with_name("notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket(AF_UNIX, SOCK_DGRAM) as notified:
        notified.bind(address)
        with create_server(("127.0.0.1", 0)) as free:
            metrics = f"127.0.0.1:{free.getsockname()[1]}"
        server = serve("--log", new_log.url, "--metrics", metrics, "--log-level", "debug")
        answers = [
            server.get(path) for path in ("/", "/health", "/ready", "/skills.md", "/openapi.json", "/api/log/head")
        ]
        with urlopen(f"http://{metrics}/metrics") as reply:
            answers.append(reply.read().decode())
        monkeypatch.delenv("CHATR_KEY")
        results = [
            chatr("doctor", "--log", new_log.url, "--url", server.url),
            chatr("admin", "close", "--reason", "x", "--log", new_log.url),
        ]
        server.process.terminate()
        answers += server.process.communicate()
        answers += [notified.recv(4096).decode() for _ in range(3)]

    assert leaks(*answers, *(text for result in results for text in (result.out, result.err))) == []
