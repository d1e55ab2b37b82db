"""Who was shown what the scorer said of an example, and so cannot rate it blindly.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    seen_by = sa.Column("seen_by", ARRAY(sa.Text()), nullable=False, server_default="{}")
    op.add_column("examples", seen_by)


def downgrade() -> None:
    op.drop_column("examples", "seen_by")
