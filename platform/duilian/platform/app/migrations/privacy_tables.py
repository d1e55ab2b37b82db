"""Tables of migration 0005: policies, legal holds, erasures, recipients, practice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.protect import by_parent, grant, immutable, protect

TIME = sa.DateTime(timezone=True)
# Whose row it is; the whole tenant's view ("*") is no key to it.
OWN = "candidate_id::text = nullif((select current_setting('app.candidate_id', true)), '')"


def create() -> None:
    _policies()
    _holds()
    _erasures()
    _recipients()
    _practice()


def _tenanted(name: str, *columns: sa.Column[object] | sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    protect(name)


def _to(column: str, table: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], name=f"fk_{name}_{column}"
    )


def _policies() -> None:
    _tenanted(
        "policy_versions",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.UniqueConstraint("tenant_id", "version", name="uq_policy_versions_tenant_id_version"),
    )
    grant("policy_versions", "select, insert")
    immutable("policy_versions")


def _holds() -> None:
    _tenanted(
        "legal_holds",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lifted_at", TIME, nullable=True),
        _to("interview_id", "interviews", "legal_holds"),
    )
    op.create_index("ix_legal_holds_interview_id", "legal_holds", ["interview_id"])
    op.create_index(
        "uq_legal_holds_standing", "legal_holds", ["tenant_id", "interview_id"], unique=True,
        postgresql_where=sa.text("lifted_at is null"),
    )  # fmt: skip
    by_parent("legal_holds", "interviews", "interview_id")
    grant("legal_holds", "select, insert, update")


def _erasures() -> None:
    _tenanted(
        "erasures",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("interview_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("progress", JSONB(), nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("receipt", JSONB(), nullable=True),
        _to("candidate_id", "candidates", "erasures"),
        _to("interview_id", "interviews", "erasures"),
    )
    op.create_index("ix_erasures_candidate_id", "erasures", ["candidate_id"])
    op.create_index(
        "uq_erasures_open", "erasures", ["tenant_id", "candidate_id", "interview_id", "scope"], unique=True,
        postgresql_where=sa.text("finished_at is null"), postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    by_parent("erasures", "candidates", "candidate_id")
    grant("erasures", "select, insert, update")


def _recipients() -> None:
    _tenanted(
        "data_recipients",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("passed_at", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("told_at", TIME, nullable=True),
        _to("interview_id", "interviews", "data_recipients"),
    )
    op.create_index("ix_data_recipients_interview_id", "data_recipients", ["interview_id"])
    by_parent("data_recipients", "interviews", "interview_id")
    grant("data_recipients", "select, insert, update")


def _practice() -> None:
    _tenanted(
        "practice_attempts",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("set_key", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _to("candidate_id", "candidates", "practice_attempts"),
    )
    op.create_index("ix_practice_attempts_candidate_id", "practice_attempts", ["candidate_id"])
    op.execute(
        f"create policy own_candidate on practice_attempts as restrictive using ({OWN}) with check ({OWN})"
    )
    grant("practice_attempts", "select, insert, delete")
