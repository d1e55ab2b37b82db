"""Corrected transcripts, a second voice, steps of hands-on tasks, live views.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from duilian.platform.app.migrations import live_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    live_tables.columns()
    live_tables.create()


def downgrade() -> None:
    raise RuntimeError("corrections are not thrown away by a migration; restore a backup instead")
