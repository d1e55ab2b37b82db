"""What every migration needs for a tenant's table: row-level security, scope by organisation unit, grants."""

from __future__ import annotations

from alembic import op

CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
UNITS = "(select current_setting('app.units', true))"
WHOLE = f"{UNITS} = '*'"


def protect(table: str, column: str = "tenant_id") -> None:
    """Row-level security that binds the owner too."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant_only on {table} using ({column} = {CURRENT}) with check ({column} = {CURRENT})"
    )


def grant(table: str, allowed: str = "select, insert, update, delete") -> None:
    op.execute(f"grant {allowed} on {table} to duilian_app")


def by_unit(table: str) -> None:
    """Rows that carry `unit_id` are seen and written inside the session's units only."""
    inside = f"({WHOLE} or unit_id = any(nullif({UNITS}, '*')::uuid[]))"
    op.execute(f"create policy own_units on {table} as restrictive using ({inside}) with check ({inside})")


def by_parent(table: str, parent: str, column: str) -> None:
    """Rows are seen where their parent's row is: the parent's own policies decide."""
    seen = (
        f"({WHOLE} or exists (select 1 from {parent} parent"
        f" where parent.tenant_id = {table}.tenant_id and parent.id = {table}.{column}))"
    )
    op.execute(f"create policy own_units on {table} as restrictive using ({seen}) with check ({seen})")


def immutable(table: str) -> None:
    """Written once, never changed: not by the owner either."""
    op.execute(
        f"""
        create or replace function refuse_change_of_{table}() returns trigger language plpgsql as $$
        begin raise exception '{table} rows never change'; end $$
        """
    )
    op.execute(
        f"create trigger refuse_change before update on {table}"
        f" for each row execute function refuse_change_of_{table}()"
    )
