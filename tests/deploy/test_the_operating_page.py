"""docs/operating.md: every command is run or has a reason, and what it names exists. test_walk.py runs its commands."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest
import yaml
from attrs import fields

from chatr.settings import Settings, variable
from tests.cli.conftest import Chatr
from tests.deploy.hosted_room import CONTROLLING, NOT_RUN
from tests.deploy.operating_page import BLOCKS, PAGE, STEPS
from tests.deploy.test_compose import COMPOSE
from tests.deploy.test_unit import lines_of
from tests.postgres import Postgres
from tests.requirements import skip_or_fail

FOLLOWED: Final = frozenset(
    re.findall(
        r'\bfollow(?:ed)?\((?:room, )?"([^"]+)"',
        "".join(Path(f"tests/deploy/{name}.py").read_text("utf-8") for name in ("test_walk", "hosting")),
    )
)
"""The sections whose commands the walk runs."""
OF_OTHERS: Final = {"CHATR_DOMAIN", "CHATR_SITE", "CHATR_NODE", "CHATR_KEY"}
"""Variables of compose.yaml, of deploy/Caddyfile and of the commands that ask a private room."""
DOCUMENTS: Final = [Path("README.md"), Path("CONTRIBUTING.md"), *Path("docs").rglob("*.md")]
LINK: Final = re.compile(r"\]\(([^)#:\s]*)#([^)\s]+)\)")


def test_every_command_is_run_or_has_a_reason() -> None:
    """A command stands in a section that the walk follows, or in the list of those that cannot be run here."""
    commands = [step.command for step in STEPS]
    unknown = [step for step in STEPS if step.section not in FOLLOWED and not step.command.startswith(tuple(NOT_RUN))]
    unused = [each for each in NOT_RUN if not any(command.startswith(each) for command in commands)]

    assert len(commands) > 40
    assert (unknown, unused) == ([], [])
    assert [each for each in CONTROLLING if each not in commands] == []
    assert {step.section for step in STEPS} >= FOLLOWED


def test_the_settings_exist() -> None:
    """Every variable that the page names is a setting."""
    named = set(re.findall(r"CHATR_[A-Z_]+", PAGE))

    assert named - OF_OTHERS - {variable(each.name) for each in fields(Settings)} == set()


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"`(?:\.venv/bin/)?chatr ([a-z][^`]*--[^`]*)`", PAGE))), ids=str
)
def test_the_flags_exist(chatr: Chatr, command: str) -> None:
    """Every flag of a command in a sentence is in the help of that command."""
    names = re.match(r"(?:[a-z-]+ ?)+(?= )", command.replace(" --", "  --", 1))
    assert names is not None
    helped = chatr(*names[0].split()[: 2 if command.startswith("admin") else 1], "--help").out

    assert [flag for flag in re.findall(r"--[a-z-]+", command) if flag not in helped] == []


def test_the_extras_exist() -> None:
    """What the page installs are extras of the project, the same at the start and at an upgrade."""
    installed = re.findall(r"pip install '\.\[([\w,]+)\]'", PAGE)
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]

    assert len(installed) == 2
    assert len(set(installed)) == 1
    assert set(installed[0].split(",")) <= set(project["optional-dependencies"])


def test_the_command_has_the_log_of_the_service() -> None:
    """deploy/chatr.sh runs the program of the unit, with the log of the unit unless /etc/chatr.env has another."""
    script = Path("deploy/chatr.sh").read_text("utf-8")
    (program,) = lines_of("ExecStart")
    (log,) = lines_of("Environment")
    (file,) = lines_of("EnvironmentFile")

    assert script.splitlines()[-1] == f'exec {program.removesuffix(" serve")} "$@"'
    assert script.index(f"\nexport {log}\n") < script.index(f"done <{file.removeprefix('-')}\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("CHATR_LOG=postgresql://a,b/c?x=1&y=2", "postgresql://a,b/c?x=1&y=2"),
        ("CHATR_LOG='a b'", "a b"),
        ('CHATR_LOG="a b"', "a b"),
        ("CHATR_LOG=$(id)`id`$HOME;id", "$(id)`id`$HOME;id"),
        ("CHATR_LOG=", ""),
        ("# CHATR_LOG=other\n\n=\nfree text\n;", "sqlite:////var/lib/chatr/chatr.db"),
        ("CHATR_LOG=first\nCHATR_LOG=last", "last"),
    ],
)
def test_the_command_reads_the_settings_as_systemd_does(line: str, value: str, tmp_path: Path) -> None:
    """Values are taken as they stand, without a pair of quotes, and never run; the last line needs no line feed."""
    (tmp_path / "chatr.env").write_text(line)
    script = Path("deploy/chatr.sh").read_text("utf-8").replace("/etc/chatr.env", str(tmp_path / "chatr.env"))
    script = script.replace("/opt/chatr/bin/chatr", "printenv")
    printed = subprocess.run(["sh", "-c", script, "sh", "CHATR_LOG"], capture_output=True, text=True, check=False)

    assert (printed.stdout, printed.stderr) == (f"{value}\n", "")


def test_metrics_of_a_container_are_published_on_the_loopback() -> None:
    """What the page adds to compose.yaml fits to it, and to the address that it gives to the server."""
    (added,) = (block.text for block in BLOCKS if block.language == "yaml" and "ports" in block.text)
    ((name, service),) = yaml.safe_load(added)["services"].items()
    (port,) = re.findall(r"CHATR_METRICS=0\.0\.0\.0:(\d+)", PAGE)

    assert name in COMPOSE["services"]
    assert service == {"ports": [f"127.0.0.1:{port}:{port}"]}


def test_prometheus_accepts_the_job(tmp_path: Path) -> None:
    """With the alert rules beside it, promtool takes the configuration that the page shows."""
    if shutil.which("promtool") is None:
        skip_or_fail("promtool is not installed: it is part of Debian's package prometheus")
    (config,) = (block.text for block in BLOCKS if block.language == "yaml" and "scrape_configs" in block.text)
    (tmp_path / "prometheus.yml").write_text(config)
    shutil.copy("deploy/alerts.yml", tmp_path)
    checked = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.long
def test_postgresql_takes_the_settings() -> None:
    """A server starts with the lines that the page adds to its configuration, and has their values."""
    (block,) = (block for block in BLOCKS if block.language == "ini")
    lines = [line.partition("#")[0].strip().partition(" = ") for line in block.text.splitlines()]
    given = {name: value.strip("'") for name, _, value in lines}
    server = Postgres(*(f"{name}={value}" for name, value in given.items()))
    try:
        values = {name: server.execute(f"show {name}")[0][0] for name in given}
    finally:
        server.close()

    assert values == given == {"synchronous_standby_names": "ANY 1 (a, b)", "synchronous_commit": "on"}


def test_links_lead_to_headings() -> None:
    """Every link with a # in README, CONTRIBUTING and docs leads to a heading of the page that it names."""
    links = [
        (page, page.parent / name if name else page, anchor)
        for page in DOCUMENTS
        for name, anchor in LINK.findall(re.sub(r"`[^`]*`", "", page.read_text("utf-8")))
    ]
    dead = [(page, target, anchor) for page, target, anchor in links if anchor not in anchors_of(target)]

    assert len(links) > 20
    assert dead == []


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
