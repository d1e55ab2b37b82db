"""Organisation tree, grants, sealed personal fields, the audit log; sessions enter a tenant in one statement.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from duilian.platform.app.migrations import audit_tables, organisation_tables, seal_existing
from duilian.platform.app.migrations.protect import by_parent, by_unit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCOPED = ("candidates", "invitations", "interviews")
OF_INTERVIEW = ("answers", "consents", "decisions", "overrides", "reports")
OF_ANSWER = ("analyses", "takes", "recordings")


def upgrade() -> None:
    entering()
    organisation_tables.create()
    audit_tables.create()
    keys()
    sealed_columns()
    roots = organisation_tables.plant_roots(op.get_bind())
    seal_existing.run(op.get_bind(), roots, context.config.attributes["settings"])
    drop_plain_columns()
    for table in SCOPED:
        by_unit(table)
    for table in OF_INTERVIEW:
        by_parent(table, "interviews", "interview_id")
    for table in OF_ANSWER:
        by_parent(table, "answers", "answer_id")
    op.execute("create trigger refuse_change before update on reports"
               " for each row execute function refuse_change_of_reports()")  # fmt: skip


def downgrade() -> None:
    raise RuntimeError("sealed fields are not opened again by a migration; restore a backup instead")


def entering() -> None:
    """One round trip at the start of each transaction. Returns the epoch of the tenant's keys."""
    op.add_column("tenants", sa.Column("key_epoch", sa.Integer(), nullable=False, server_default="1"))
    op.execute(
        """
        create function enter_tenant(tenant uuid, units text, candidate text) returns integer
        language plpgsql as $$
        begin
            perform set_config('app.tenant_id', tenant::text, true),
                    set_config('app.units', units, true),
                    set_config('app.candidate_id', candidate, true);
            return (select key_epoch from tenants where id = tenant);
        end $$
        """
    )
    op.execute("grant execute on function enter_tenant(uuid, text, text) to duilian_app")
    op.execute(
        """
        create function tenant_ids() returns setof uuid language sql stable security definer
        set search_path = public, pg_temp as $$ select tenant_id from tenant_directory order by 1 $$
        """
    )
    op.execute("grant execute on function tenant_ids() to duilian_app")


def keys() -> None:
    op.add_column("tenant_keys", sa.Column("purpose", sa.String(), nullable=False, server_default="seal"))
    op.drop_constraint("uq_tenant_keys_tenant_id_version", "tenant_keys")
    op.create_unique_constraint(
        "uq_tenant_keys_tenant_id_purpose_version", "tenant_keys", ["tenant_id", "purpose", "version"]
    )
    op.execute(
        "create policy practice_of_its_candidate on tenant_keys as restrictive for select using"
        " (purpose <> 'practice' or coalesce((select current_setting('app.candidate_id', true)), '') <> '')"
    )


def sealed_columns() -> None:
    """Empty at first: seal_existing fills them, then what must not be null is said so."""
    op.execute("drop trigger refuse_change on reports")
    sealed = {
        "candidates": ("name", "email", "phone", "id_number"),
        "members": ("name", "email"),
        "interviews": ("human_reason",),
        "answers": ("text",),
        "analyses": ("transcript", "observation", "judged"),
        "reports": ("content",),
        "decisions": ("reason",),
        "overrides": ("reason",),
    }
    for table, fields in sealed.items():
        for field in fields:
            op.add_column(table, sa.Column(f"{field}_sealed", sa.LargeBinary(), nullable=True))
    for table, field in (("candidates", "email"), ("candidates", "phone"), ("candidates", "id_number"), ("members", "email")):  # fmt: skip
        op.add_column(table, sa.Column(f"{field}_index", sa.LargeBinary(), nullable=True))
    for field in ("name", "email"):
        op.add_column("candidates", sa.Column(f"{field}_terms", ARRAY(sa.Integer()), nullable=True))
    op.add_column("reports", sa.Column("total", JSONB(), nullable=True))
    op.add_column("reports", sa.Column("flags", sa.Integer(), nullable=True))
    for table in SCOPED:
        op.add_column(table, sa.Column("unit_id", sa.Uuid(), nullable=True))


def drop_plain_columns() -> None:
    plain = {
        "candidates": ("name", "email"),
        "members": ("name", "email", "role"),
        "interviews": ("human_reason",),
        "answers": ("text",),
        "analyses": ("transcript", "observation", "judged"),
        "reports": ("content",),
        "decisions": ("reason",),
        "overrides": ("reason",),
    }
    for table, columns in plain.items():
        for column in columns:
            op.drop_column(table, column)
    required = {
        "candidates": ("name_sealed", "email_sealed", "email_index", "name_terms", "email_terms", "unit_id"),
        "members": ("name_sealed", "email_sealed", "email_index"),
        "reports": ("content_sealed", "total", "flags"),
        "decisions": ("reason_sealed",),
        "overrides": ("reason_sealed",),
        "invitations": ("unit_id",),
        "interviews": ("unit_id",),
    }
    for table, columns in required.items():
        for column in columns:
            op.alter_column(table, column, nullable=False)
    op.create_unique_constraint("uq_members_tenant_id_email_index", "members", ["tenant_id", "email_index"])
    op.create_unique_constraint(
        "uq_candidates_tenant_id_unit_id_email_index", "candidates", ["tenant_id", "unit_id", "email_index"]
    )
    for table in SCOPED:
        op.create_foreign_key(
            f"fk_{table}_unit_id", table, "org_units", ["tenant_id", "unit_id"], ["tenant_id", "id"]
        )
        op.create_index(f"ix_{table}_unit_id", table, ["tenant_id", "unit_id"])
