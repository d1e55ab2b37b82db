"""What failed and went through in the end is found without reading every job there ever was.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index ix_procrastinate_jobs_mended on procrastinate_jobs ((args->'failure'->>'at'))"
        " where status = 'succeeded' and args ? 'failure'"
    )


def downgrade() -> None:
    op.execute("drop index ix_procrastinate_jobs_mended")
