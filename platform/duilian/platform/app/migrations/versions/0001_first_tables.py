"""The first tables, with row-level security on every one that belongs to a tenant.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
TENANTED = (
    "api_keys",
    "candidates",
    "events",
    "members",
    "published_sets",
    "sign_in_attempts",
    "tenant_keys",
    "usage_events",
    "invitations",
    "staff_sessions",
    "interviews",
    "answers",
    "consents",
    "decisions",
    "overrides",
    "reports",
    "analyses",
    "takes",
    "recordings",
    "segments",
    "chunks",
)
APPEND_ONLY = ("events", "consents", "published_sets", "reports", "decisions", "overrides", "usage_events")


def upgrade() -> None:
    jobs()
    create_tables()
    for table in TENANTED:
        protect(table, "tenant_id")
    protect("tenants", "id")
    directory()
    grants()
    immutable("published_sets")
    immutable("reports")


def jobs() -> None:
    """Procrastinate's own schema. Jobs are not tenant rows: a worker serves all tenants."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(SchemaManager.get_schema())
    # First of all, so that "all tables" means procrastinate's.
    op.execute("grant usage on schema public to duilian_app")
    op.execute("grant all on all tables in schema public to duilian_app")
    op.execute("grant all on all sequences in schema public to duilian_app")
    op.execute("revoke all on alembic_version from duilian_app")
    op.execute("grant select on alembic_version to duilian_app")


def protect(table: str, column: str) -> None:
    """Row-level security that binds the owner too."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant_only on {table} using ({column} = {CURRENT}) with check ({column} = {CURRENT})"
    )


def directory() -> None:
    """The one look-up without a tenant: slug → id, one at a time. FORCE hides `tenants`, hence a table beside it."""
    op.execute("create table tenant_directory (slug text primary key, tenant_id uuid not null unique)")
    op.execute(
        """
        create function keep_directory() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
        begin
            if tg_op = 'DELETE' then
                delete from tenant_directory where tenant_id = old.id;
                return old;
            end if;
            insert into tenant_directory (slug, tenant_id) values (new.slug, new.id)
            on conflict (tenant_id) do update set slug = excluded.slug;
            return new;
        end $$
        """
    )
    op.execute(
        "create trigger keep_directory after insert or delete or update of slug on tenants"
        " for each row execute function keep_directory()"
    )
    op.execute(
        """
        create function tenant_id_of(wanted text) returns uuid language sql stable security definer
        set search_path = public, pg_temp as $$ select tenant_id from tenant_directory where slug = wanted $$
        """
    )


def grants() -> None:
    """The application's role reads and writes rows, and owns nothing."""
    for table in (*TENANTED, "tenants"):
        allowed = "select, insert" if table in APPEND_ONLY else "select, insert, update, delete"
        op.execute(f"grant {allowed} on {table} to duilian_app")
    op.execute("grant execute on function tenant_id_of(text) to duilian_app")


def immutable(table: str) -> None:
    """Written once, never changed: not by the owner either."""
    op.execute(
        f"""
        create function refuse_change_of_{table}() returns trigger language plpgsql as $$
        begin raise exception '{table} rows never change'; end $$
        """
    )
    op.execute(
        f"create trigger refuse_change before update on {table}"
        f" for each row execute function refuse_change_of_{table}()"
    )


def downgrade() -> None:
    raise RuntimeError("the first migration has nothing to go back to; restore a backup instead")


def create_tables() -> None:
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rights", JSONB(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("tenant_id", "secret_hash", name=op.f("uq_api_keys_tenant_id_secret_hash")),
    )
    op.create_table(
        "candidates",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_candidates_tenant_id_email")),
    )
    op.create_table(
        "events",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_subject_id"), "events", ["subject_id"], unique=False)
    op.create_table(
        "members",
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_members")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_members_tenant_id_email")),
    )
    op.create_table(
        "published_sets",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_published_sets")),
        sa.UniqueConstraint(
            "tenant_id", "key", "version", name=op.f("uq_published_sets_tenant_id_key_version")
        ),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(
        "ix_sign_in_attempts_who", "sign_in_attempts", ["tenant_id", "who", "happened_at"], unique=False
    )
    op.create_table(
        "tenant_keys",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tenant_keys")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("uq_tenant_keys_tenant_id_version")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", JSONB(), nullable=False),
        sa.Column("industry", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("brand", JSONB(), nullable=False),
        sa.Column("vocabulary", JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenants_slug")),
    )
    op.create_table(
        "usage_events",
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_usage_events")),
        sa.UniqueConstraint(
            "tenant_id", "idempotency_key", name=op.f("uq_usage_events_tenant_id_idempotency_key")
        ),
    )
    op.create_table(
        "invitations",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("set_key", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("deadline", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "candidate_id"],
            ["candidates.tenant_id", "candidates.id"],
            name=op.f("fk_invitations_candidate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "set_id"],
            ["published_sets.tenant_id", "published_sets.id"],
            name=op.f("fk_invitations_set_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["tenant_id", "candidate_id", "set_key"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_staff_sessions_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("tenant_id", "secret_hash", name=op.f("uq_staff_sessions_tenant_id_secret_hash")),
    )
    op.create_table(
        "interviews",
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("deadline", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("submitted_at", TIME, nullable=True),
        sa.Column("device_check", JSONB(), nullable=True),
        sa.Column("human_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invitation_id"],
            ["invitations.tenant_id", "invitations.id"],
            name=op.f("fk_interviews_invitation_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_interviews")),
        sa.UniqueConstraint("tenant_id", "invitation_id", name=op.f("uq_interviews_tenant_id_invitation_id")),
    )
    op.create_index(op.f("ix_interviews_status"), "interviews", ["status"], unique=False)
    op.create_table(
        "answers",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("question_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("take_number", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("events", JSONB(), nullable=False),
        sa.Column("failure", JSONB(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_answers_interview_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_answers")),
        sa.UniqueConstraint(
            "tenant_id",
            "interview_id",
            "question_key",
            name=op.f("uq_answers_tenant_id_interview_id_question_key"),
        ),
    )
    op.create_table(
        "consents",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_consents_interview_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_interview_id"), "consents", ["interview_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_decisions_interview_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_decisions_member_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_interview_id"), "decisions", ["interview_id"], unique=False)
    op.create_table(
        "overrides",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("competency", sa.String(), nullable=False),
        sa.Column("ai_level", sa.Integer(), nullable=True),
        sa.Column("ai_score", sa.Float(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_overrides_interview_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_overrides_member_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_overrides")),
    )
    op.create_index(op.f("ix_overrides_interview_id"), "overrides", ["interview_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_reports_interview_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reports")),
        sa.UniqueConstraint(
            "tenant_id", "interview_id", "revision", name=op.f("uq_reports_tenant_id_interview_id_revision")
        ),
    )
    op.create_table(
        "analyses",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("transcript", JSONB(), nullable=True),
        sa.Column("observation", JSONB(), nullable=True),
        sa.Column("judged", JSONB(), nullable=True),
        sa.Column("refusal", JSONB(), nullable=True),
        sa.Column("versions", JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "answer_id"],
            ["answers.tenant_id", "answers.id"],
            name=op.f("fk_analyses_answer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_analyses")),
        sa.UniqueConstraint("tenant_id", "answer_id", name=op.f("uq_analyses_tenant_id_answer_id")),
    )
    op.create_table(
        "takes",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("certificate", JSONB(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "answer_id"], ["answers.tenant_id", "answers.id"], name=op.f("fk_takes_answer_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_takes")),
        sa.UniqueConstraint(
            "tenant_id", "answer_id", "number", name=op.f("uq_takes_tenant_id_answer_id_number")
        ),
    )
    op.create_index(op.f("ix_takes_answer_id"), "takes", ["answer_id"], unique=False)
    op.create_table(
        "recordings",
        sa.Column("take_id", sa.Uuid(), nullable=False),
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("object_name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "take_id"],
            ["takes.tenant_id", "takes.id"],
            name=op.f("fk_recordings_take_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("tenant_id", "take_id", name=op.f("uq_recordings_tenant_id_take_id")),
    )
    op.create_index(op.f("ix_recordings_answer_id"), "recordings", ["answer_id"], unique=False)
    op.create_table(
        "segments",
        sa.Column("take_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "take_id"],
            ["takes.tenant_id", "takes.id"],
            name=op.f("fk_segments_take_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_segments")),
        sa.UniqueConstraint(
            "tenant_id", "take_id", "number", name=op.f("uq_segments_tenant_id_take_id_number")
        ),
    )
    op.create_table(
        "chunks",
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "segment_id"],
            ["segments.tenant_id", "segments.id"],
            name=op.f("fk_chunks_segment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_chunks")),
        sa.UniqueConstraint(
            "tenant_id", "segment_id", "seq", name=op.f("uq_chunks_tenant_id_segment_id_seq")
        ),
    )
