"""Jobs that renew what keys have sealed; the one way to renew a sealed field of a row that never changes.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from duilian.platform.app.migrations.protect import CURRENT, grant, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "key_jobs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_key_jobs"),
    )
    protect("key_jobs")
    grant("key_jobs")
    op.execute(_RENEW)
    op.execute("revoke all on function renew_sealed(text, text, uuid[], bytea[], bytea[]) from public")
    op.execute("grant execute on function renew_sealed(text, text, uuid[], bytea[], bytea[]) to duilian_app")
    op.execute(_REPORTS)


def downgrade() -> None:
    op.execute("drop function renew_sealed(text, text, uuid[], bytea[], bytea[])")
    op.drop_table("key_jobs")


# A field begins with the version of its key (2 bytes) and is as long as its plaintext: what takes its place must be
# of a newer version and of the same length, so that the function renews and cannot blank, shorten or repeat.
_RENEW = f"""
create function renew_sealed(target text, field text, ids uuid[], olds bytea[], news bytea[]) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare renewed integer;
begin
    if field not like '%\\_sealed' then
        raise exception '% is no sealed field', field;
    end if;
    if exists (
        select from unnest(olds, news) as pair (old, new)
        where octet_length(new) is distinct from octet_length(old) or substr(new, 1, 2) <= substr(old, 1, 2)
    ) then
        raise exception 'a sealed field is renewed under a newer key only';
    end if;
    execute format(
        'update %I row set %I = pair.new from unnest($1, $2, $3) as pair (id, old, new)'
        ' where row.tenant_id = $4 and row.id = pair.id and row.%I = pair.old', target, field, field)
    using ids, olds, news, {CURRENT};
    get diagnostics renewed = row_count;
    return renewed;
end $$
"""
_REPORTS = """
create or replace function refuse_change_of_reports() returns trigger language plpgsql as $$
begin
    if to_jsonb(new) - 'content_sealed' = to_jsonb(old) - 'content_sealed'
        and octet_length(new.content_sealed) = octet_length(old.content_sealed)
        and substr(new.content_sealed, 1, 2) > substr(old.content_sealed, 1, 2) then
        return new;
    end if;
    raise exception 'reports rows never change';
end $$
"""
