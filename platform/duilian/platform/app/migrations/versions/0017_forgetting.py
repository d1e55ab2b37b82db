"""Known leaked answers are sealed.

Revision ID: 0017
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

from duilian.platform.app.migrations import seal_leaked
from duilian.platform.app.migrations.measure_tables import column, tenanted
from duilian.platform.app.migrations.protect import grant

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenanted("leaked_answers", column("place", sa.Integer()), column("text_sealed", sa.LargeBinary()))
    grant("leaked_answers")
    seal_leaked.run(op.get_bind(), context.config.attributes["settings"])


def downgrade() -> None:
    """Sealed answers are not opened again; the tenant publishes its list anew."""
    op.drop_table("leaked_answers")
