"""What models are to forget, and whose rows the artefact of a run holds; known leaked answers are sealed.

Revision ID: 0017
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations import seal_leaked
from duilian.platform.app.migrations.measure_tables import TIME, column, tenanted
from duilian.platform.app.migrations.protect import grant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("training_runs", sa.Column("taught_by", JSONB(), nullable=True))
    tenanted(
        "forgettings",
        column("examples", JSONB()),
        column("people", JSONB()),
        column("erasure_id", sa.Uuid(), needed=False),
        column("rows", sa.Integer(), needed=False),
        column("asked_at", TIME),
        column("done_at", TIME, needed=False),
    )
    op.create_index(
        "ix_forgettings_open", "forgettings", ["tenant_id", "id"], postgresql_where=sa.text("done_at is null")
    )
    grant("forgettings")
    tenanted("leaked_answers", column("place", sa.Integer()), column("text_sealed", sa.LargeBinary()))
    grant("leaked_answers")
    seal_leaked.run(op.get_bind(), context.config.attributes["settings"])


def downgrade() -> None:
    """Sealed answers are not opened again; the tenant publishes its list anew."""
    op.drop_table("leaked_answers")
    op.drop_table("forgettings")
    op.drop_column("training_runs", "taught_by")
