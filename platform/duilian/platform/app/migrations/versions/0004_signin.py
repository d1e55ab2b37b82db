"""Signing in: outgoing mail, links by e-mail, one-time codes, second steps, single sign-on, what sessions say.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from duilian.platform.app.migrations.protect import grant, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    mail()
    codes()
    links()
    provider()
    sessions_and_keys()


def downgrade() -> None:
    raise RuntimeError("secrets of one-time codes would be lost; restore a backup instead")


def mail() -> None:
    _tenanted(
        "outgoing_mails",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("refused_at", TIME, nullable=True),
        sa.Column("reply", sa.Integer(), nullable=True),
    )
    op.create_index("ix_outgoing_mails_about", "outgoing_mails", ["about"])


def codes() -> None:
    _of_member(
        "one_time_codes",
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
    )
    _of_member(
        "recovery_codes",
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
    )
    _tenanted(
        "sign_in_policies",
        sa.Column("code_required", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("tenant_id", name="uq_sign_in_policies_tenant_id"),
    )


def links() -> None:
    _of_member(
        "account_links",
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
    )
    _of_member(
        "sign_in_steps",
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
    )
    for table in ("account_links", "sign_in_steps"):
        op.create_index(f"ix_{table}_secret_hash", table, ["secret_hash"])


def provider() -> None:
    _tenanted(
        "identity_providers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("client_secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("default_role", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.UniqueConstraint("tenant_id", name="uq_identity_providers_tenant_id"),
    )
    _tenanted(
        "provider_visits",
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.create_index("ix_provider_visits_secret_hash", "provider_visits", ["secret_hash"])
    _of_member(
        "member_identities",
        sa.Column("subject_hash", sa.String(), nullable=False),
        sa.Column("linked_at", TIME, nullable=False),
        sa.UniqueConstraint("tenant_id", "subject_hash", name="uq_member_identities_tenant_id_subject_hash"),
    )


def sessions_and_keys() -> None:
    """Sessions from before say nothing of themselves; they end within twelve hours."""
    op.add_column(
        "staff_sessions", sa.Column("method", sa.String(), nullable=False, server_default="password")
    )
    op.add_column("staff_sessions", sa.Column("device", sa.String(), nullable=False, server_default=""))
    op.add_column("staff_sessions", sa.Column("network_sealed", sa.LargeBinary(), nullable=True))
    op.create_index("ix_staff_sessions_member_id", "staff_sessions", ["member_id"])
    op.add_column("api_keys", sa.Column("created_by", sa.String(), nullable=False, server_default="system"))
    op.add_column("api_keys", sa.Column("revoked_at", TIME, nullable=True))


def _of_member(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Rows that go when their member goes."""
    _tenanted(
        name,
        sa.Column("member_id", sa.Uuid(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=f"fk_{name}_member_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(f"ix_{name}_member_id", name, ["member_id"])


def _tenanted(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    protect(name)
    grant(name)
