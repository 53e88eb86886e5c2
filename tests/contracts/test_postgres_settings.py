"""A PostgreSQL log works whatever the defaults of its sessions are, or it is rejected when it is opened."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from _pytest.mark import ParameterSet
from attrs import evolve

from chatr.adapters.stores.postgres.log import PostgresLog, postgres_log, postgres_reader
from chatr.adapters.stores.postgres.session import DEFAULT_TIMEOUTS, connect
from chatr.adapters.stores.postgres.session_settings import SETTINGS, duration
from chatr.ports import CannotOpenLog, Draft, LogUnavailable, Stored
from chatr.testing.contract.steps import append_many, new_draft, read_all
from tests.postgres import Postgres

HOSTILE: Final = {
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "bytea_output": "escape",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "extra_float_digits": "-15",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "exit_on_error": "on",
    "client_min_messages": "error",
    "lock_timeout": "1",
    "statement_timeout": "500",
    "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "500",
    "transaction_timeout": "500",
    "backslash_quote": "off",
    "escape_string_warning": "off",
    "quote_all_identifiers": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_indexscan": "off",
    "enable_seqscan": "off",
}
"""Defaults of a session that chatr could not work with, or that a careless query could depend on."""
ENVIRONMENT: Final = {"CLIENTENCODING": "LATIN1", "DATESTYLE": "SQL", "TZ": "Asia/Tokyo", "APPNAME": "other"}
OPTIONS: Final = " ".join(f"-c{name}={value}" for name, value in HOSTILE.items())
NEEDS_ESCAPES: Final = '{"content": "\\\\ \\" \' é 🦀 \u200e"}'


async def store_and_read(url: str) -> list[Stored]:
    """Append twelve records at a time, and return all that are in the log."""
    async with postgres_log(url) as log:
        drafts = [evolve(new_draft(), data=NEEDS_ESCAPES) for _ in range(12)]
        await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts))
        return await read_all(log)


def hostile_url(place: str, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of an empty log for which hostile defaults are set in `place`."""
    role = postgres.role("application_name = 'other'")
    if place in ("database", "role in database"):
        database = postgres.database(f"owner {role}")
        url = postgres.url(database, user=role)
    else:
        database = "postgres"
        url = postgres.log(user=role)
    schema = url.rpartition("%3D")[2]
    match place:
        case "URL":
            return f"{url}%20{quote(OPTIONS)}"
        case "environment":
            for name, value in {"OPTIONS": f"-csearch_path={schema} {OPTIONS}", **ENVIRONMENT}.items():
                monkeypatch.setenv(f"PG{name}", value)
            return url.partition("&options")[0]
        case "service":
            service = tmp_path / "services"
            options = f"-csearch_path={schema} {OPTIONS}"
            service.write_text(
                f"[room]\nhost={postgres.folder}\nuser={role}\ndbname=postgres\noptions={options}\nclient_encoding=LATIN1\n"
            )
            monkeypatch.setenv("PGSERVICEFILE", str(service))
            monkeypatch.setenv("PGSERVICE", "room")
            return "postgresql://"
        case _:
            whose = f"role {role}" if place.startswith("role") else f"database {database}"
            where = f" in database {database}" if place == "role in database" else ""
            settings = (f"alter {whose}{where} set {name} = '{value}'" for name, value in HOSTILE.items())
            postgres.execute(";".join(settings))
            return url


PLACES: Final = ["role", "database", "role in database", "URL", "environment", "service"]
QUICK: Final = ("role", "trigger", "view", "shadowed")
"""The parameters of this module that run every day."""


def parameters(names: Iterable[str]) -> list[ParameterSet]:
    """Return parameters with these names, all but a few of which are long."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in names]


@pytest.mark.parametrize("place", parameters(PLACES))
async def test_hostile_defaults_change_nothing(
    place: str, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets other defaults for a session, records are stored and read as they are, hash and all."""
    records = await store_and_read(hostile_url(place, postgres, tmp_path, monkeypatch))

    assert [(record.data, record.is_intact) for record in records] == [(NEEDS_ESCAPES, True)] * 12


async def test_every_setting_is_in_force(postgres: Postgres) -> None:
    """A session has the settings that it depends on, whatever they are by default."""
    url = postgres.url(user=postgres.role("bytea_output = 'escape'"), options=OPTIONS)
    async with await connect(url, DEFAULT_TIMEOUTS) as db:
        rows = await (await db.execute("select name, setting from pg_settings")).fetchall()

    assert {name: setting for name, setting in rows if name in SETTINGS} == SETTINGS


@pytest.mark.parametrize("seconds", [0, 0.001, 0.1, 1, 1.5, 2, 59.5, 60, 90, 600, 3600, 86400, 90000])
async def test_durations_are_written_as_by_the_server(seconds: float, postgres: Postgres) -> None:
    """A time-out that was set is found to be in force, whatever its unit."""
    ((written,),) = postgres.execute(f"select set_config('lock_timeout', '{round(1000 * seconds)}', false)")

    assert written == duration(seconds)


async def test_functions_before_those_of_the_system_are_not_called(postgres: Postgres) -> None:
    """A schema that `search_path` names before pg_catalog replaces no function and no operator."""
    url = postgres.log(user=postgres.role("application_name = 'other'"))
    schema = url.rpartition("%3D")[2]
    postgres.execute(
        f"""
        create function {schema}.equal(bigint, bigint) returns boolean language sql as 'select true';
        create operator {schema}.= (leftarg = bigint, rightarg = bigint, procedure = {schema}.equal);
        create function {schema}.left(text, integer) returns text language sql as 'select null::text';
        """
    )
    records = await store_and_read(f"{url}%2Cpg_catalog")

    assert [record.is_intact for record in records] == [True] * 12


async def test_a_schema_may_have_any_name(postgres: Postgres) -> None:
    """A schema whose name has quotes, commas, blanks and backslashes holds a log like any other."""
    role = postgres.role("standard_conforming_strings = off")
    name = '"Room ""2"", \\海"'
    postgres.execute(f"create schema {name} authorization {role}; alter role {role} set search_path = {name}")

    assert len(await store_and_read(postgres.url(user=role))) == 12


@pytest.mark.parametrize("path", ["nowhere", "pg_temp", "pg_catalog", ""])
async def test_a_search_path_without_a_schema_is_rejected(path: str, postgres: Postgres) -> None:
    """A log is not made in a temporary or in the system's schema, if no other one is named."""
    with pytest.raises(CannotOpenLog, match="search_path names no schema"):
        await store_and_read(postgres.url(options=f"-csearch_path={path}"))


SHADOW: Final = "create schema {0}b; create table {0}b.log (line text); alter role {1} set search_path = {0}b, {0}"
FUNCTION: Final = "create function {0}.f() returns trigger language plpgsql as 'begin return null; end'; "
CHANGED: Final = {
    "trigger": (
        FUNCTION + "create trigger t before insert on {0}.log for each row execute function {0}.f()",
        "trigger",
    ),
    "rule": ("create rule r as on insert to {0}.log do instead nothing", "rule"),
    "view": ("alter table {0}.log rename to real; create view {0}.log as select * from {0}.real", "no ordinary table"),
    "unlogged": ("alter table {0}.log set unlogged", "set logged"),
    "row security": ("alter table {0}.log enable row level security, owner to postgres", "row-level security"),
    "child": ("create table {0}.child () inherits ({0}.log)", "inherits"),
    "no primary key": ("alter table {0}.log drop constraint log_pkey", "unique constraint"),
    "not unique": ("alter table {0}.log drop constraint log_stream_previous_key", "unique constraint"),
    "deferred": (
        "alter table {0}.log drop constraint log_stream_previous_key, add unique (stream, previous) deferrable",
        "unique constraint",
    ),
    "json": ("alter table {0}.log alter data type jsonb using data::jsonb", "columns"),
    "short text": ("alter table {0}.log alter data type varchar(100)", "columns"),
    "read only": ("alter table {0}.log owner to postgres; grant select on {0}.log to {1}", "may not read and insert"),
    "shadowed": (f"{SHADOW}; grant usage on schema {{0}}b to {{1}}", "two schemas"),
}


@pytest.mark.parametrize("name", parameters(CHANGED))
async def test_a_table_that_would_not_store_what_is_sent_is_rejected(name: str, postgres: Postgres) -> None:
    """A table that loses, hides or changes records is rejected when the log is opened."""
    change, complaint = CHANGED[name]
    role = postgres.role("application_name = 'other'")
    schema = postgres.log(user=role).rpartition("%3D")[2]
    postgres.execute(f"alter role {role} set search_path = {schema}")
    async with postgres_log(postgres.url(user=role)) as log:
        await append_many(log, 1)
    postgres.execute(change.format(schema, role))
    with pytest.raises(CannotOpenLog, match=rf"^The log in PostgreSQL cannot be used: .*{complaint}.*\.$"):
        async with postgres_log(postgres.url(user=role)):
            pass


GUARD: Final = "create function {0}.f() returns trigger language plpgsql as 'begin raise ''append only''; end'; "
HARMLESS: Final = {
    "guards": GUARD + "create trigger t before delete on {0}.log for each row execute function {0}.f(); "
    "create trigger u before truncate on {0}.log execute function {0}.f(); "
    "create rule r as on delete to {0}.log do instead nothing",
    "guard of updates": GUARD + "create trigger t before update on {0}.log for each row execute function {0}.f()",
    "disabled": "create rule r as on insert to {0}.log do instead nothing; alter table {0}.log disable rule r",
    "for replicas": FUNCTION + "create trigger t before insert on {0}.log for each row execute function {0}.f(); "
    "alter table {0}.log enable replica trigger t",
    "columns and indexes": "alter table {0}.log add size integer generated always as (length(data)) stored, "
    "add stored timestamptz default now(), replica identity full, enable row level security; "
    "create unique index on {0}.log (position, id); create statistics {0}.s on stream, type from {0}.log",
}
"""Changes of an operator to the table, none of which alters, drops or hides records."""


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
async def test_a_table_that_stores_what_is_sent_is_accepted(change: str, postgres: Postgres) -> None:
    """Guards of an append-only table, columns, indexes and what else an operator adds do not prevent the start."""
    url = postgres.log()
    async with postgres_log(url) as log:
        await append_many(log, 1)
    postgres.execute(change.format(url.rpartition("%3D")[2]), url)

    assert len(await store_and_read(url)) == 13


async def test_a_reader_that_would_miss_records_is_rejected(postgres: Postgres) -> None:
    """A role from which row-level security hides records cannot read the log at all."""
    role = postgres.role("application_name = 'other'")
    url = postgres.log(user=role)
    async with postgres_log(url) as log:
        await append_many(log, 2)
    postgres.execute(
        f"""
        alter table log enable row level security, owner to postgres; grant select on log to {role};
        create policy half on log using (position = 1)
        """,
        url.replace(role, "postgres"),
    )
    with pytest.raises(CannotOpenLog, match="row-level security"):
        async with postgres_reader(url):
            pass


async def test_a_role_without_the_right_to_create_tables_is_enough(postgres: Postgres) -> None:
    """A role that may only read, insert and update stores records in a log that another role has made."""
    role = postgres.role("application_name = 'other'")
    url = postgres.log()
    schema = url.rpartition("%3D")[2]
    async with postgres_log(url) as log:
        await append_many(log, 1)
    postgres.execute(
        f"grant usage on schema {schema} to {role}; grant select on schema_version to {role}; "
        f"grant select, insert, update on log to {role}",
        url,
    )

    assert len(await store_and_read(url.replace("//postgres", f"//{role}"))) == 13


@pytest.fixture
async def log_with_trigger(postgres: Postgres) -> AsyncIterator[PostgresLog]:
    """An open log, in which a trigger has begun to alter and drop texts, and constraints to reject others."""
    url = postgres.log()
    schema = url.rpartition("%3D")[2]
    async with postgres_log(url) as log:
        postgres.execute(
            f"""
            create function {schema}.alter_text() returns trigger language plpgsql as
                $$ begin
                    new.data := replace(new.data, 'sea', 'see');
                    return case when new.data <> '"drop"' then new end;
                end $$;
            create trigger alter_text before insert on log for each row execute function {schema}.alter_text();
            alter table log add check (convert_to(data, 'LATIN1') is not null), add check (data <> '"short"');
            """,
            url,
        )
        yield log


UNSTORABLE_TEXTS: Final = {
    "is altered": '"sea"',
    "is dropped": '"drop"',
    "cannot be encoded": '"🦀"',
    "a constraint rejects": '"short"',
    "a null character": '"\0"',
    "a lone surrogate": '"\ud800"',
}


@pytest.mark.parametrize("text", UNSTORABLE_TEXTS.values(), ids=UNSTORABLE_TEXTS)
async def test_a_text_that_cannot_be_stored_fails_alone(
    text: str, log_with_trigger: PostgresLog, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the posts of a commit only that one fails which the server or the driver rejects, or would store altered."""
    drafts: list[Draft] = [evolve(new_draft(), data=data) for data in ('"a"', '"b"', text, '"c"')]
    results = await asyncio.gather(
        *(log_with_trigger.append(draft, expected=0) for draft in drafts), return_exceptions=True
    )
    stored = await read_all(log_with_trigger)

    error = results.pop(2)

    assert isinstance(error, LogUnavailable | ValueError)
    assert text not in str(error)
    assert caplog.messages == []
    assert results == stored
    assert all(record.is_intact for record in stored)
