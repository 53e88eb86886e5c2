"""A PostgreSQL server that may lose what it has acknowledged is named."""

import pytest

from chatr.adapters.stores.postgres.log import postgres_log
from tests.cli.conftest import Chatr
from tests.cli.doctor.test_doctor import found
from tests.postgres import Postgres

pytestmark = pytest.mark.long


@pytest.fixture
async def url(postgres: Postgres) -> str:
    """The URL of an empty log, on a server without fsync."""
    url = postgres.log()
    async with postgres_log(url):
        return url


def test_a_server_without_fsync_is_named(chatr: Chatr, url: str) -> None:
    """A power failure may damage its log; the remedy names the setting."""
    result = chatr("doctor", "--json", "--log", url)
    check = found(result, "PostgreSQL")

    assert (result.code, check["status"]) == (1, "problem")
    assert "fsync is off" in check["found"]
    assert "fsync = on" in check["remedy"]
    assert found(result, "records")["status"] == "ok"
    assert url not in result.out


def test_commits_that_are_not_waited_for_are_named(chatr: Chatr, url: str) -> None:
    """With synchronous_commit off, an acknowledged message may be lost."""
    separator = "%20" if "options=" in url else ("&" if "?" in url else "?") + "options="
    result = chatr("doctor", "--json", "--log", f"{url}{separator}-csynchronous_commit%3Doff")
    checks = [each for each in result.json if each["check"] == "PostgreSQL"]

    assert any("synchronous_commit is off" in each["found"] for each in checks), checks
    assert any(each["remedy"] == "Set it to on." for each in checks)


def test_a_server_that_is_away_is_a_problem(chatr: Chatr) -> None:
    """The password is not part of what is printed."""
    result = chatr("doctor", "--json", "--log", "postgresql://chatr:secret@127.0.0.1:1/chatr")

    assert (result.code, found(result, "PostgreSQL")["status"]) == (1, "problem")
    assert "secret" not in result.out


def test_what_rejects_or_may_alter_records_is_named(chatr: Chatr, url: str, postgres: Postgres) -> None:
    """A constraint of the operator, and a trigger that acts after records are inserted, are warnings."""
    postgres.execute("alter table log add check (length(data) < 1000000)", url)
    postgres.execute(
        "create trigger t after insert on log for each row execute function suppress_redundant_updates_trigger()", url
    )
    checks = [each for each in chatr("doctor", "--json", "--log", url).json if each["check"] == "PostgreSQL"]
    warnings = [each["found"].split()[1] for each in checks if each["status"] == "warning"]

    assert warnings == ["trigger", "constraint"]
