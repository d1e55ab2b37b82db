"""A company opens a tenant alone: drafts, trial, brand pictures, own domains, dry runs.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from duilian.platform.app.migrations import onboarding_drafts, onboarding_tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    onboarding_drafts.create()
    onboarding_tables.create()
    for table in ("invitations", "interviews"):
        op.add_column(table, sa.Column("dry_run", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    raise RuntimeError("domains and trials are not thrown away by a migration; restore a backup instead")
