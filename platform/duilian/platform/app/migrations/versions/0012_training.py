"""Training of scoring models: dataset versions, runs, releases, scores in the shadow.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from duilian.platform.app.migrations import training_tables

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    training_tables.create()


def downgrade() -> None:
    raise RuntimeError("what judged people is not forgotten by a migration; restore a backup instead")
