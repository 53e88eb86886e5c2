"""What is erased from a PostgreSQL log is returned by no query, and is in no file of the table once it is rewritten."""

from collections.abc import AsyncIterator
from contextlib import closing
from signal import SIGQUIT
from typing import Final

import psycopg
import pytest

from chatr.adapters.stores.postgres.erasing import rewrite_table
from chatr.adapters.stores.postgres.log import PostgresLog, postgres_log
from chatr.adapters.stores.postgres.session import DEFAULT_TIMEOUTS, PostgresTimeouts
from chatr.ports import LogUnavailable, Rewritable
from chatr.testing.contract.steps import append_many, new_draft, read_all, read_tail
from tests.contracts.erased_texts import random_text
from tests.postgres import Postgres

TABLE_FILES: Final = (
    "select pg_relation_filepath('log'), pg_relation_filepath(reltoastrelid) from pg_class where oid = "
)


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new, empty log."""
    return postgres.log()


@pytest.fixture
async def log(url: str) -> AsyncIterator[PostgresLog]:
    """The open log."""
    async with postgres_log(url) as log:
        yield log


def table_content(postgres: Postgres, url: str) -> bytes:
    """Return the bytes of the table and of its long values, as they are on the disk."""
    postgres.execute("checkpoint")
    ((table, long_values),) = postgres.execute(f"{TABLE_FILES} 'log'::regclass", url)
    return b"".join((postgres.data / path).read_bytes() for path in (table, long_values))


@pytest.mark.parametrize("length", [100, 20_000])
async def test_rewriting_removes_the_bytes_of_erased_texts(
    log: PostgresLog, postgres: Postgres, url: str, length: int
) -> None:
    """After an erasing the bytes are still in the table's files, and after rewriting they are not."""
    # Not a text that PostgreSQL would compress.
    postgres.execute("alter table log alter data set storage external", url)
    text = random_text(length)
    await log.append(new_draft(data=text), expected=0)
    written = await append_many(log, 3)
    await log.erase([1])
    before = text[20:60].encode() in table_content(postgres, url)
    assert isinstance(log, Rewritable)
    await log.rewrite()

    assert before
    assert text[20:60].encode() not in table_content(postgres, url)
    assert written == (await read_all(log))[1:]
    assert [each.position for each in await append_many(log, 1)] == [5]


async def test_nothing_is_erased_from_a_log_that_took_the_place_of_another(
    log: PostgresLog, postgres: Postgres, url: str
) -> None:
    """The record that says so may be missing in an older copy: no text may be lost that nobody erased there."""
    written = await append_many(log, 3)
    await read_tail(log, 3)
    postgres.execute("delete from log where position = 3", url)
    with pytest.raises(LogUnavailable, match="does not hold record 3 any longer"):
        await log.erase([1])

    assert written[:2] == await read_all(log)


@pytest.mark.parametrize("returned", ["null", "old"])
async def test_a_text_that_a_trigger_keeps_is_not_reported_as_erased(
    returned: str, log: PostgresLog, postgres: Postgres, url: str
) -> None:
    """A trigger of the operator that drops or undoes the update makes the erasing fail."""
    written = await append_many(log, 1)
    postgres.execute(
        f"create function keep() returns trigger language plpgsql as $$ begin return {returned}; end $$; "
        "create trigger keep before update on log for each row execute function keep()",
        url,
    )
    with pytest.raises(LogUnavailable, match="a trigger on the table log prevents"):
        await log.erase([1])

    assert written == await read_all(log)


async def test_rewriting_does_not_wait_for_a_transaction(log: PostgresLog, url: str) -> None:
    """All nodes would wait behind it: as soon as somebody uses the table for longer, rewriting is given up."""
    await append_many(log, 1)
    with closing(psycopg.connect(url)) as reader:
        reader.execute("select * from log").fetchall()
        with pytest.raises(LogUnavailable, match="not rewritten: canceling statement due to lock timeout"):
            await rewrite_table(url, PostgresTimeouts(lock=0.05))

    assert len(await append_many(log, 1)) == 1


def as_role(postgres: Postgres, url: str, rights: str) -> str:
    """Return the URL of the log for an ordinary role that has these rights on its table."""
    role = postgres.role("client_encoding = 'utf8'")
    schema = url.rpartition("search_path%3D")[2]
    postgres.execute(f"grant usage on schema {schema} to {role}; grant {rights} on log to {role}", url)
    return url.replace("//postgres@", f"//{role}@")


async def test_rewriting_needs_the_owner_of_the_table(log: PostgresLog, postgres: Postgres, url: str) -> None:
    """PostgreSQL skips the table for any other role; that is an error, which says who may do it."""
    await append_many(log, 1)
    with pytest.raises(LogUnavailable, match="only its owner may do that"):
        await rewrite_table(as_role(postgres, url, "select, insert, update"), DEFAULT_TIMEOUTS)


async def test_a_role_that_has_the_right_to_maintain_the_table_may_rewrite_it(
    log: PostgresLog, postgres: Postgres, url: str
) -> None:
    """An operator may rewrite the table as a role that cannot read the texts."""
    await append_many(log, 1)
    await rewrite_table(as_role(postgres, url, "maintain"), DEFAULT_TIMEOUTS)

    assert len(await read_all(log)) == 1


async def test_a_role_that_may_only_insert_cannot_erase(log: PostgresLog, postgres: Postgres, url: str) -> None:
    """Without the right to update the table erasing raises LogUnavailable with PostgreSQL's reason."""
    await append_many(log, 3)
    outsider = PostgresLog(as_role(postgres, url, "select, insert"), DEFAULT_TIMEOUTS)
    with pytest.raises(LogUnavailable, match="permission denied for table log"):
        await outsider.erase([2])
    await outsider.close()

    assert not any(each.is_erased for each in await read_all(log))


async def test_erasing_is_durable_though_synchronous_commit_was_switched_off(
    log: PostgresLog, postgres: Postgres, url: str
) -> None:
    """Erasing waits for the disk even if the role's default is not to, as appending does."""
    await append_many(log, 1)
    owner = postgres.role("synchronous_commit = off")
    postgres.execute(f"alter role {owner} superuser", url)
    postgres.execute(
        "create function observed() returns trigger language plpgsql as $$ begin "
        "insert into observed values (current_setting('synchronous_commit')); return null; end $$; "
        "create table observed (value text); "
        "create constraint trigger at_commit after update on log deferrable initially deferred "
        "for each row execute function observed()",
        url,
    )
    unhurried = PostgresLog(url.replace("//postgres@", f"//{owner}@"), DEFAULT_TIMEOUTS)
    await unhurried.erase([1])
    await unhurried.close()

    assert postgres.execute("select value from observed", url) == [("on",)]


@pytest.mark.long
async def test_what_was_erased_stays_erased_when_the_server_crashes() -> None:
    """A server that is killed as soon as erasing has returned comes back without the text."""
    with closing(Postgres()) as server:
        async with postgres_log(server.log()) as log:
            await append_many(log, 3)
            await log.erase([2])
            await server.restart(SIGQUIT)
            records = await read_all(log)

    assert [each.is_erased for each in records] == [False, True, False]
