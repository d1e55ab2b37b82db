"""The counterfactual probe beside each report; thresholds of the gate and known leaked answers of a tenant.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.protect import by_parent, grant, protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenants", sa.Column("gate", JSONB(), nullable=False, server_default="{}"))
    op.create_table(
        "counterfactuals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("largest", sa.Float(), nullable=False),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_counterfactuals"),
        sa.UniqueConstraint("tenant_id", "report_id", name="uq_counterfactuals_tenant_id_report_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "report_id"], ["reports.tenant_id", "reports.id"],
            name="fk_counterfactuals_report_id", ondelete="CASCADE",
        ),
    )  # fmt: skip
    protect("counterfactuals")
    by_parent("counterfactuals", "reports", "report_id")
    grant("counterfactuals")


def downgrade() -> None:
    op.drop_table("counterfactuals")
    op.drop_column("tenants", "gate")
