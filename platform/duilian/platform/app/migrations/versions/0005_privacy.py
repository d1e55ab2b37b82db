"""Policies by jurisdiction, legal holds, erasures with receipts, recipients, practice attempts.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations import privacy_tables
from duilian.platform.app.migrations.protect import CURRENT

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    columns()
    privacy_tables.create()
    erase_records()


def downgrade() -> None:
    raise RuntimeError("receipts and holds are not thrown away by a migration; restore a backup instead")


def columns() -> None:
    op.add_column("tenants", sa.Column("jurisdiction", sa.String(), nullable=False, server_default="neutral"))
    op.add_column("tenants", sa.Column("policy_overrides", JSONB(), nullable=False, server_default="{}"))
    op.add_column("invitations", sa.Column("not_before", TIME, nullable=True))
    op.add_column("interviews", sa.Column("policy_version", sa.String(), nullable=True))
    op.add_column("interviews", sa.Column("media_erased_at", TIME, nullable=True))
    op.add_column("interviews", sa.Column("erased_at", TIME, nullable=True))
    op.add_column("candidates", sa.Column("erased_at", TIME, nullable=True))
    for table in ("decisions", "overrides"):
        op.alter_column(table, "reason_sealed", nullable=True)


def erase_records() -> None:
    """The only way into append-only tables: for an erasure under way, never under a legal hold, always on record.

    It runs as the owner, whom row-level security binds like everybody else. Reports written after the erasure was
    asked for stay: they were composed without what is withdrawn.
    """
    op.execute(
        f"""
        create function erase_records(erasure uuid, interview uuid) returns jsonb language plpgsql security definer
        set search_path = public, pg_temp as $$
        declare
            tenant uuid := {CURRENT};
            asked erasures%rowtype;
            n_reports integer;
            n_overrides integer := 0;
            n_reasons integer := 0;
            counts jsonb;
        begin
            select e.* into asked from erasures e
            join interviews i on i.tenant_id = e.tenant_id and i.id = interview
            join invitations v on v.tenant_id = i.tenant_id and v.id = i.invitation_id
            where e.tenant_id = tenant and e.id = erasure and e.finished_at is null
              and (e.interview_id = interview or e.interview_id is null
                   and e.progress->'meant' @> jsonb_build_array(jsonb_build_array(v.candidate_id, interview)));
            if not found or asked.scope = 'media' then
                raise exception 'no erasure under way is about this interview' using errcode = 'insufficient_privilege';
            end if;
            if exists (select 1 from legal_holds h
                       where h.tenant_id = tenant and h.interview_id = interview and h.lifted_at is null) then
                raise exception 'the interview is under a legal hold' using errcode = 'insufficient_privilege';
            end if;
            delete from reports r where r.tenant_id = tenant and r.interview_id = interview
                and (asked.scope in ('all', 'records', 'recording') or r.created_at <= asked.requested_at);
            get diagnostics n_reports = row_count;
            if asked.scope in ('all', 'records') then
                delete from overrides o where o.tenant_id = tenant and o.interview_id = interview;
                get diagnostics n_overrides = row_count;
                update decisions d set reason_sealed = null
                    where d.tenant_id = tenant and d.interview_id = interview and d.reason_sealed is not null;
                get diagnostics n_reasons = row_count;
            elsif asked.scope in ('scores', 'recording') then
                update overrides o set ai_level = null, ai_score = null
                    where o.tenant_id = tenant and o.interview_id = interview and o.ai_level is not null;
                get diagnostics n_overrides = row_count;
            end if;
            counts := jsonb_build_object('reports', n_reports, 'overrides', n_overrides, 'reasons', n_reasons);
            perform append_audit(array[jsonb_build_object(
                'action', 'records.erased', 'actor', 'database', 'on_behalf_of', asked.requested_by, 'network', '',
                'at', to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
                'subject_type', 'interview', 'subject_id', interview,
                'before', '{{}}'::jsonb, 'after', counts || jsonb_build_object('erasure', erasure)
            )::text]);
            return counts;
        end $$
        """
    )
    op.execute("revoke all on function erase_records(uuid, uuid) from public")
    op.execute("grant execute on function erase_records(uuid, uuid) to duilian_app")
