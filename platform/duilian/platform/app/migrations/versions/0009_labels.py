"""Imports of historic interviews, labelled answers, their ratings, later outcomes.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from duilian.platform.app.migrations import label_tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    label_tables.create()


def downgrade() -> None:
    raise RuntimeError("labels are not thrown away by a migration; restore a backup instead")
