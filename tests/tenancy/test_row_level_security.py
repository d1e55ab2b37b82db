"""Isolation in the database: every tenant table is protected, and the protection works."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from duilian.infra.database import Database, NoTenant
from duilian.infra.ids import new_id
from duilian.platform.app import tables
from duilian.platform.app.doctor import tenant_tables
from duilian.platform.app.up import Stack
from duilian.platform.recruiting.models import Candidate
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.models import Member
from world import World, run

TENANT_TABLES = sorted(tenant_tables())
# The application's role has no right to any of them but the first, which it reads: functions look things up one by one.
GLOBAL_TABLES = {"alembic_version", "tenant_directory", "domain_directory", "tenant_drafts", "start_tries"}


def rows(url: str, statement: str, **values: object) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]
    finally:
        engine.dispose()


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_table_has_forced_row_level_security_with_check(stack: Stack, table: str) -> None:
    found = rows(
        stack.settings.database_url,
        "select c.relrowsecurity, c.relforcerowsecurity, p.polqual is not null, p.polwithcheck is not null"
        " from pg_class c join pg_policy p on p.polrelid = c.oid"
        " where c.relname = :table and p.polname = 'tenant_only' and p.polpermissive",
        table=table,
    )
    assert found == [(True, True, True, True)]


def test_no_table_escapes_the_sweep(stack: Stack) -> None:
    """A table in the database is a tenant table, procrastinate's, or one of those that belong to no tenant."""
    found = rows(
        stack.settings.database_url,
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    )
    names = {str(name) for (name,) in found if not str(name).startswith("procrastinate_")}
    assert names == set(TENANT_TABLES) | GLOBAL_TABLES
    assert {str(t) for t in tables.metadata.tables.values()} == set(TENANT_TABLES)


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_unique_keys_start_with_the_tenant(table: str) -> None:
    if table == "tenants":
        return
    for constraint in tables.metadata.tables[table].constraints:
        columns = [c.name for c in getattr(constraint, "columns", [])]
        if type(constraint).__name__ in ("UniqueConstraint", "PrimaryKeyConstraint", "ForeignKeyConstraint"):
            assert columns[0] == "tenant_id", f"{constraint.name} does not start with tenant_id"


def test_role_is_neither_owner_nor_superuser(stack: Stack) -> None:
    [(superuser, bypass)] = rows(
        stack.settings.database_url,
        "select rolsuper, rolbypassrls from pg_roles where rolname = current_user",
    )
    assert (superuser, bypass) == (False, False)
    owned = rows(
        stack.settings.database_url,
        "select relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = current_user",
    )
    assert owned == []


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_without_a_tenant_no_row_is_seen(stack: Stack, alice: World, table: str) -> None:
    assert rows(stack.settings.database_url, f"select * from {table}") == []


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_the_owner_is_bound_too(stack: Stack, alice: World, table: str) -> None:
    assert rows(stack.settings.database_owner_url, f"select * from {table}") == []


@pytest.mark.parametrize("table", sorted(GLOBAL_TABLES - {"alembic_version"}))
def test_directories_and_drafts_cannot_be_listed(stack: Stack, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        rows(stack.settings.database_url, f"select * from {table}")


def test_session_sees_its_own_tenant_only(stack: Stack, alice: World, charlie: World) -> None:
    async def emails(tenant_id: UUID) -> set[str]:
        database = open_database(stack.settings, open_keyring(stack.settings), 1)
        try:
            async with database.begin(tenant_id) as session:
                return {member.email for member in await session.scalars(select(Member))}
        finally:
            await database.close()

    mine, other = run(emails(alice.tenant_id)), run(emails(charlie.tenant_id))
    assert mine and other and not mine & other
    assert all(alice.slug in email for email in mine)


def test_row_of_another_tenant_is_refused_by_the_database(stack: Stack, alice: World, charlie: World) -> None:
    """Past our own check too: the policy says no."""

    async def smuggle() -> None:
        database = Database(stack.settings.database_url, 1)
        try:
            async with database.begin(alice.tenant_id) as session:
                await session.execute(
                    text(
                        "insert into sign_in_attempts (tenant_id, id, who, happened_at)"
                        " values (:tenant, :id, 'x', now())"
                    ),
                    {"tenant": charlie.tenant_id, "id": new_id()},
                )
        finally:
            await database.close()

    with pytest.raises(DBAPIError, match="row-level security"):
        run(smuggle())


def test_row_of_another_tenant_is_refused_by_the_session(stack: Stack, alice: World, charlie: World) -> None:
    async def smuggle() -> None:
        database = Database(stack.settings.database_url, 1)
        try:
            async with database.begin(alice.tenant_id) as session:
                row = Candidate(tenant_id=charlie.tenant_id, name="x", email="x@y.example")
                session.add(row)
                await session.flush()
        finally:
            await database.close()

    with pytest.raises(NoTenant):
        run(smuggle())


def test_session_without_a_tenant_raises_before_sql(stack: Stack) -> None:
    from duilian.infra.database import TenantSession

    async def forget() -> None:
        database = Database(stack.settings.database_url, 1)
        try:
            async with TenantSession(database.engine) as session:
                await session.execute(text("select 1"))
        finally:
            await database.close()

    with pytest.raises(NoTenant):
        run(forget())


def test_setting_does_not_survive_the_transaction(stack: Stack, alice: World) -> None:
    """A pooled connection must not carry a tenant to its next user."""

    async def leftover() -> str | None:
        database = Database(stack.settings.database_url, 1)
        try:
            async with database.begin(alice.tenant_id) as session:
                await session.execute(select(Member.id))
            async with database.connect() as connection:
                return await connection.scalar(text("select current_setting('app.tenant_id', true)"))
        finally:
            await database.close()

    assert not run(leftover())


@pytest.mark.parametrize("table", ["published_sets", "reports"])
def test_published_rows_never_change(stack: Stack, alice: World, table: str) -> None:
    """The application's role may not, and the trigger refuses the owner."""

    async def change(url: str) -> None:
        database = Database(url, 1)
        try:
            async with database.begin(alice.tenant_id) as session:
                await session.execute(text(f"update {table} set sha256 = 'x'"))
        finally:
            await database.close()

    with pytest.raises(DBAPIError, match="permission denied"):
        run(change(stack.settings.database_url))
    if table == "published_sets":
        with pytest.raises(DBAPIError, match="never change"):
            run(change(stack.settings.database_owner_url))
