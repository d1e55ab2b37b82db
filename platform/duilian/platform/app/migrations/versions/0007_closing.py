"""Closing a tenant: the request with its days of grace, and the one function that empties every table of a tenant.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.protect import CURRENT, grant, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tenants", sa.Column("closes_at", TIME, nullable=True))
    op.add_column("tenants", sa.Column("closed_at", TIME, nullable=True))
    op.create_table(
        "tenant_closures",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.Column("progress", JSONB(), nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("receipt", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tenant_closures"),
    )
    op.create_index(
        "uq_tenant_closures_standing", "tenant_closures", ["tenant_id"], unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )  # fmt: skip
    protect("tenant_closures")
    grant("tenant_closures", "select, insert, update")
    op.execute(_ERASE)
    op.execute("revoke all on function erase_tenant(uuid) from public")
    op.execute("grant execute on function erase_tenant(uuid) to duilian_app")


def downgrade() -> None:
    raise RuntimeError("a tenant that was erased does not come back; restore a backup instead")


# Tables come from the catalogue, so that none that a later version adds is forgotten. What is referred to waits for
# what refers to it: rounds over the tables until none is left. The practice of candidates shows itself to its
# candidate only, the owner of the tables included, hence one delete for each.
_ERASE = f"""
create function erase_tenant(closure uuid) returns jsonb language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    tenant uuid := {CURRENT};
    kept constant text[] := array[
        'tenant_closures', 'tenant_directory', 'audit_entries', 'audit_heads', 'audit_seals', 'usage_events'];
    waiting text[];
    blocked text[];
    one text;
    person uuid;
    n bigint;
    counts jsonb := '{{}}';
begin
    if not exists (select from tenant_closures c where c.tenant_id = tenant and c.id = closure
                   and c.withdrawn_at is null and c.finished_at is null and c.due_at <= clock_timestamp()) then
        raise exception 'no closure of this tenant is due' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from legal_holds h where h.tenant_id = tenant and h.lifted_at is null) then
        raise exception 'an interview is under a legal hold' using errcode = 'insufficient_privilege';
    end if;
    perform set_config('app.units', '*', true);
    n := 0;
    for person in select id from candidates where tenant_id = tenant loop
        perform set_config('app.candidate_id', person::text, true);
        with gone as (delete from practice_attempts where tenant_id = tenant returning 1)
        select n + count(*) into n from gone;
    end loop;
    counts := jsonb_build_object('practice_attempts', n);
    select array_agg(c.relname::text) into waiting
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> all (kept);
    while cardinality(waiting) > 0 loop
        blocked := '{{}}';
        foreach one in array waiting loop
            begin
                execute format('delete from %I where tenant_id = $1', one) using tenant;
                get diagnostics n = row_count;
                counts := counts || jsonb_build_object(one, n + coalesce((counts->>one)::bigint, 0));
            exception when foreign_key_violation then
                blocked := blocked || one;
            end;
        end loop;
        if cardinality(blocked) = cardinality(waiting) then
            raise exception 'tables that refer to each other: %', waiting;
        end if;
        waiting := blocked;
    end loop;
    delete from procrastinate_jobs where args->>'tenant_id' = tenant::text and status <> 'doing';
    delete from tenant_directory where tenant_id = tenant;
    return (select coalesce(jsonb_object_agg(key, value), '{{}}') from jsonb_each(counts) where value::bigint > 0);
end $$
"""
