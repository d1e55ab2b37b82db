"""Feedback of reviewers and candidates, proposals for question sets, where a published version came from.

Revision ID: 0015
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations import feedback_tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("published_sets", sa.Column("provenance", JSONB(), nullable=True))
    feedback_tables.create()


def downgrade() -> None:
    raise RuntimeError("what people said is not forgotten by a migration; restore a backup instead")
