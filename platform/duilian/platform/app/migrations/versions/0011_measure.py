"""The measurement lab: anchors, figures, calibration sessions, self-declared groups.

Revision ID: 0011
Revises: 0009
"""

from __future__ import annotations

from duilian.platform.app.migrations import measure_tables

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    measure_tables.create()


def downgrade() -> None:
    raise RuntimeError(
        "anchors and declarations are not thrown away by a migration; restore a backup instead"
    )
