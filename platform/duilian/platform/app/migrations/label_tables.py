"""Tables of migration 0009: imports of history, examples, their ratings, outcomes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.protect import by_parent, by_unit, grant, protect

TIME = sa.DateTime(timezone=True)


def create() -> None:
    _imports()
    _examples()
    _ratings()
    _outcomes()


def _column(name: str, kind: Any, needed: bool = True) -> sa.Column[Any]:  # Any: columns of every type
    return sa.Column(name, kind, nullable=not needed)


def _to(table: str, column: str, other: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{other}.tenant_id", f"{other}.id"], name=f"fk_{table}_{column}",
        ondelete="CASCADE" if cascade else None,
    )  # fmt: skip


def _tenanted(name: str, *columns: sa.Column[Any] | sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    protect(name)
    grant(name)


def _imports() -> None:
    _tenanted(
        "history_imports",
        _column("unit_id", sa.Uuid()),
        _column("kind", sa.String()),
        _column("format", sa.String()),
        _column("file_name_sealed", sa.LargeBinary()),
        _column("sha256", sa.String()),
        _column("size", sa.Integer()),
        _column("preview_sealed", sa.LargeBinary(), needed=False),
        _column("mapping_sealed", sa.LargeBinary(), needed=False),
        _column("findings_sealed", sa.LargeBinary(), needed=False),
        _column("state", sa.String()),
        _column("counts", JSONB()),
        _column("done", sa.Integer()),
        _column("total", sa.Integer()),
        _column("failure", JSONB(), needed=False),
        _column("created_by", sa.String()),
        _column("created_at", TIME),
        _column("checked_at", TIME, needed=False),
        _column("imported_by", sa.String(), needed=False),
        _column("imported_at", TIME, needed=False),
        _column("undone_by", sa.String(), needed=False),
        _column("undone_at", TIME, needed=False),
        _to("history_imports", "unit_id", "org_units"),
    )
    by_unit("history_imports")


def _examples() -> None:
    _tenanted(
        "examples",
        _column("unit_id", sa.Uuid()),
        _column("source", sa.String()),
        _column("import_id", sa.Uuid(), needed=False),
        _column("row_number", sa.Integer(), needed=False),
        _column("interview_id", sa.Uuid(), needed=False),
        _column("answer_id", sa.Uuid(), needed=False),
        _column("set_id", sa.Uuid(), needed=False),
        _column("set_key", sa.String()),
        _column("question_key", sa.String()),
        _column("question_sealed", sa.LargeBinary(), needed=False),
        _column("competency", sa.String()),
        _column("item", sa.String()),
        _column("language", sa.String()),
        _column("answer_sealed", sa.LargeBinary()),
        _column("characters", sa.Integer()),
        _column("person_index", sa.LargeBinary(), needed=False),
        _column("fingerprint", sa.LargeBinary()),
        _column("answered_on", sa.Date(), needed=False),
        _column("ai_sealed", sa.LargeBinary(), needed=False),
        _column("ai_level", sa.Integer(), needed=False),
        _column("ai_mean", sa.Float(), needed=False),
        _column("ai_error", sa.Float(), needed=False),
        _column("good_by", sa.String(), needed=False),
        _column("good_at", TIME, needed=False),
        _column("withheld_at", TIME, needed=False),
        _column("created_at", TIME),
        _to("examples", "import_id", "history_imports", cascade=True),
        _to("examples", "unit_id", "org_units"),
        _to("examples", "interview_id", "interviews"),
        _to("examples", "answer_id", "answers", cascade=True),
        sa.UniqueConstraint(
            "tenant_id", "answer_id", "competency", "fingerprint",
            name="uq_examples_tenant_id_answer_id_competency_fingerprint",
        ),
    )  # fmt: skip
    for column in ("fingerprint", "person_index", "import_id", "interview_id"):
        op.create_index(f"ix_examples_{column}", "examples", ["tenant_id", column])
    by_unit("examples")


def _ratings() -> None:
    _tenanted(
        "ratings",
        _column("example_id", sa.Uuid()),
        _column("kind", sa.String()),
        _column("rater", sa.String()),
        _column("rater_name_sealed", sa.LargeBinary(), needed=False),
        _column("level", sa.Integer()),
        _column("evidence", JSONB()),
        _column("reason_sealed", sa.LargeBinary(), needed=False),
        _column("blind", sa.Boolean()),
        _column("ai_level", sa.Integer(), needed=False),
        _column("origin", sa.String()),
        _column("original", sa.String(), needed=False),
        _column("rated_at", TIME),
        _column("superseded_at", TIME, needed=False),
        _column("supersedes_id", sa.Uuid(), needed=False),
        sa.CheckConstraint("level between 1 and 5", name="ck_ratings_level"),
        _to("ratings", "example_id", "examples", cascade=True),
    )
    op.create_index(
        "uq_ratings_standing", "ratings", ["tenant_id", "example_id", "kind"], unique=True,
        postgresql_where=sa.text("superseded_at is null"),
    )  # fmt: skip
    op.create_index("ix_ratings_rater", "ratings", ["tenant_id", "rater"])
    by_parent("ratings", "examples", "example_id")


def _outcomes() -> None:
    _tenanted(
        "outcomes",
        _column("unit_id", sa.Uuid()),
        _column("import_id", sa.Uuid()),
        _column("row_number", sa.Integer()),
        _column("person_index", sa.LargeBinary()),
        _column("kind", sa.String()),
        _column("value", sa.Float()),
        _column("unit", sa.String()),
        _column("measured_on", sa.Date(), needed=False),
        _column("created_at", TIME),
        _to("outcomes", "import_id", "history_imports", cascade=True),
        _to("outcomes", "unit_id", "org_units"),
        sa.UniqueConstraint(
            "tenant_id", "import_id", "row_number", "kind", name="uq_outcomes_tenant_id_import_id_row_number_kind"
        ),
    )  # fmt: skip
    op.create_index("ix_outcomes_person_index", "outcomes", ["tenant_id", "person_index"])
    by_unit("outcomes")
