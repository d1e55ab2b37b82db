"""Tables of migration 0002: the organisation tree, roles, grants, consultants."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.infra.ids import new_id
from duilian.platform.app.migrations.protect import grant, protect

TIME = sa.DateTime(timezone=True)


def create() -> None:
    _units()
    _roles_and_grants()
    _consultants()
    for table in ("org_units", "roles", "grants", "consultant_grants"):
        protect(table)
        grant(table)
    op.alter_column("staff_sessions", "member_id", nullable=True)
    op.add_column("staff_sessions", sa.Column("consultant_grant_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_staff_sessions_consultant_grant_id", "staff_sessions", "consultant_grants",
        ["tenant_id", "consultant_grant_id"], ["tenant_id", "id"], ondelete="CASCADE",
    )  # fmt: skip
    op.add_column("api_keys", sa.Column("unit_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_api_keys_unit_id", "api_keys", "org_units", ["tenant_id", "unit_id"], ["tenant_id", "id"]
    )


def _tenanted(name: str, *columns: sa.Column[object] | sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )


def _to(column: str, table: str, name: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{table}.tenant_id", f"{table}.id"],
        name=f"fk_{name}_{column}",
        ondelete=ondelete,
    )


def _units() -> None:
    _tenanted(
        "org_units",
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("archived_at", TIME, nullable=True),
        sa.UniqueConstraint("tenant_id", "path", name="uq_org_units_tenant_id_path"),
        _to("parent_id", "org_units", "org_units"),
    )


def _roles_and_grants() -> None:
    _tenanted(
        "roles",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rights", JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.UniqueConstraint("tenant_id", "key", name="uq_roles_tenant_id_key"),
    )
    _tenanted(
        "grants",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.UniqueConstraint("tenant_id", "member_id", "unit_id", "role", name="uq_grants_tenant_id_member_id_unit_id_role"),
        _to("member_id", "members", "grants", ondelete="CASCADE"),
        _to("unit_id", "org_units", "grants"),
    )  # fmt: skip


def _consultants() -> None:
    _tenanted(
        "consultant_grants",
        sa.Column("home_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("home_member_id", sa.Uuid(), nullable=False),
        sa.Column("label_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        _to("unit_id", "org_units", "consultant_grants"),
    )


def plant_roots(connection: sa.Connection) -> dict[UUID, UUID]:
    """tenant → its root unit; members keep their role there."""
    roots: dict[UUID, UUID] = {}
    for (tenant_id,) in connection.execute(sa.text("select tenant_id from tenant_directory")).all():
        root = roots[tenant_id] = new_id()
        names = {"tenant": str(tenant_id), "root": root, "path": f"/{root.hex}/"}
        connection.execute(sa.text("select set_config('app.tenant_id', :tenant, true)"), names)
        connection.execute(
            sa.text(
                "insert into org_units (tenant_id, id, name, kind, path, created_at) select id, :root,"
                " coalesce(name->>locale, slug), 'headquarters', :path, now() from tenants"
            ),
            names,
        )
        for member_id, role in connection.execute(sa.text("select id, role from members")).all():
            connection.execute(
                sa.text(
                    "insert into grants (tenant_id, id, member_id, unit_id, role, granted_by, created_at)"
                    " values (cast(:tenant as uuid), :id, :member, :root, :role, 'system', now())"
                ),
                names | {"id": new_id(), "member": member_id, "role": role},
            )
    return roots
