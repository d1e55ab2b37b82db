"""What a training run was estimated at and what it cost; versions of the speech vocabulary.

Revision ID: 0016
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.measure_tables import TIME, column, tenanted
from duilian.platform.app.migrations.protect import grant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("estimate", "cost"):
        op.add_column("training_runs", sa.Column(name, JSONB(), nullable=True))
    _vocabulary()


def _vocabulary() -> None:
    tenanted(
        "vocabulary_versions",
        column("number", sa.Integer()),
        column("state", sa.String()),
        column("share", sa.Float()),
        column("content_sealed", sa.LargeBinary(), needed=False),
        column("sha256", sa.String(), needed=False),
        column("sources", JSONB(), needed=False),
        column("evaluation", JSONB(), needed=False),
        column("gates", JSONB(), needed=False),
        column("verdict", sa.String(), needed=False),
        column("failure", JSONB(), needed=False),
        column("created_by", sa.String()),
        column("created_at", TIME),
        column("ended_at", TIME, needed=False),
        column("release", sa.String()),
        column("promoted_by", sa.String(), needed=False),
        column("promoted_at", TIME, needed=False),
        column("retired_by", sa.String(), needed=False),
        column("retired_at", TIME, needed=False),
        column("previous_id", sa.Uuid(), needed=False),
        column("reason", sa.String()),
        sa.UniqueConstraint("tenant_id", "number", name="uq_vocabulary_versions_tenant_id_number"),
        sa.CheckConstraint("release in ('', 'in_force', 'retired')", name="ck_vocabulary_versions_release"),
    )
    op.create_index(
        "uq_vocabulary_versions_in_force", "vocabulary_versions", ["tenant_id"], unique=True,
        postgresql_where=sa.text("release = 'in_force'"),
    )  # fmt: skip
    grant("vocabulary_versions")


def downgrade() -> None:
    raise RuntimeError("what judged people is not forgotten by a migration; restore a backup instead")
