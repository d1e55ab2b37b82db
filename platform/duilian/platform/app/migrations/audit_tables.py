"""Tables of migration 0002: the audit log. The application's role reads it; one function writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from duilian.platform.app.migrations.protect import CURRENT, grant, immutable, protect

TIME = sa.DateTime(timezone=True)


def create() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["tenant_id", "subject_id"])
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_seals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", name="pk_audit_seals"),
    )
    for table in ("audit_entries", "audit_heads", "audit_seals"):
        protect(table)
    grant("audit_entries", "select")
    grant("audit_heads", "select")
    grant("audit_seals", "select, insert")
    immutable("audit_entries")
    immutable("audit_seals")
    _append()


def _append() -> None:
    op.execute(
        f"""
        create function append_audit(entries text[]) returns void language plpgsql security definer
        set search_path = public, pg_temp as $$
        declare
            tenant uuid := {CURRENT};
            n bigint;
            h bytea;
            e text;
            d jsonb;
        begin
            insert into audit_heads values (tenant, 0, sha256(convert_to(tenant::text, 'UTF8')))
            on conflict do nothing;
            select seq, hash into strict n, h from audit_heads where tenant_id = tenant for update;
            foreach e in array entries loop
                n := n + 1;
                h := sha256(h || int8send(n) || convert_to(e, 'UTF8'));
                d := e::jsonb;
                insert into audit_entries values (
                    tenant, n, (d->>'at')::timestamptz, d->>'action', d->>'actor', d->>'subject_id', e, h);
            end loop;
            update audit_heads set seq = n, hash = h where tenant_id = tenant;
        end $$
        """
    )
    op.execute("revoke all on function append_audit(text[]) from public")
    op.execute("grant execute on function append_audit(text[]) to duilian_app")
