"""Tables of migration 0008: corrections of transcripts, marks of steps, what runs live and who watches."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.protect import by_parent, grant, protect

TIME = sa.DateTime(timezone=True)


def create() -> None:
    _of_answers(
        "transcript_corrections",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("original_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changes_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_share", sa.Float(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("scored_at", TIME, nullable=True),
        unique="number",
    )
    _of_answers(
        "step_marks",
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("marked_by", sa.String(), nullable=False),
        sa.Column("marked_at", TIME, nullable=False),
        unique="step",
    )
    _of_interviews(
        "live_states",
        sa.Column("question_key", sa.String(), nullable=False),
        sa.Column("captions", sa.String(), nullable=False),
        sa.Column("said_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("picture_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("picture_number", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        unique=None,
    )
    _of_interviews(
        "live_watchers",
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        unique="actor",
    )


def columns() -> None:
    for column in ("voices_sealed", "corrected_sealed"):
        op.add_column("analyses", sa.Column(column, sa.LargeBinary(), nullable=True))
    op.add_column("answers", sa.Column("marks", JSONB(), nullable=False, server_default="[]"))


def _of_answers(name: str, *columns: sa.Column[Any], unique: str) -> None:  # Any: columns of every type
    _child(name, "answers", "answer_id", unique, *columns)


def _of_interviews(name: str, *columns: sa.Column[Any], unique: str | None) -> None:
    _child(name, "interviews", "interview_id", unique, *columns)


def _child(name: str, parent: str, key: str, unique: str | None, *columns: sa.Column[Any]) -> None:
    """A table whose rows are seen where their parent's row is, and go with it."""
    uniques = ["tenant_id", key, *([unique] if unique else [])]
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(key, sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
        sa.UniqueConstraint(*uniques, name=f"uq_{name}_{'_'.join(uniques)}"),
        sa.ForeignKeyConstraint(
            ["tenant_id", key],
            [f"{parent}.tenant_id", f"{parent}.id"],
            name=f"fk_{name}_{key}",
            ondelete="CASCADE",
        ),
    )
    protect(name)
    by_parent(name, parent, key)
    grant(name)
