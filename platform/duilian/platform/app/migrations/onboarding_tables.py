"""Tables of migration 0006: trials, how far the setting up is, logos, own domains."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from duilian.platform.app.migrations.protect import grant, protect

TIME = sa.DateTime(timezone=True)


def create() -> None:
    _one_a_tenant(
        "trials",
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("invitations", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
    )
    _one_a_tenant(
        "onboardings",
        sa.Column("brand_at", TIME, nullable=True),
        sa.Column("domain_skipped_at", TIME, nullable=True),
        sa.Column("dismissed_at", TIME, nullable=True),
    )
    _one_a_tenant(
        "tenant_logos",
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
    )
    _one_a_tenant(
        "tenant_domains",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("checked_at", TIME, nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("in_links", sa.Boolean(), nullable=False),
    )
    _directory()


def _one_a_tenant(name: str, *columns: sa.Column[object] | sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
        sa.UniqueConstraint("tenant_id", name=f"uq_{name}_tenant_id"),
    )
    protect(name)
    grant(name)


def _directory() -> None:
    """Verified domains, each of one tenant: kept by the database, beside the tenants' own rows, as their short names are."""
    op.execute("create table domain_directory (domain text primary key, tenant_id uuid not null unique)")
    op.execute(
        """
        create function keep_domains() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
        begin
            if tg_op <> 'INSERT' then
                delete from domain_directory where tenant_id = old.tenant_id;
            end if;
            if tg_op = 'DELETE' then
                return old;
            end if;
            if new.verified_at is not null then
                insert into domain_directory (domain, tenant_id) values (new.domain, new.tenant_id)
                on conflict do nothing;  -- another's stays another's
            end if;
            return new;
        end $$
        """
    )
    op.execute(
        "create trigger keep_domains after insert or update or delete on tenant_domains"
        " for each row execute function keep_domains()"
    )
    op.execute(
        """
        create function slug_of_domain(wanted text) returns text language sql stable security definer
        set search_path = public, pg_temp as $$
            select t.slug from domain_directory d join tenant_directory t on t.tenant_id = d.tenant_id
            where d.domain = wanted
        $$
        """
    )
    op.execute("revoke all on function slug_of_domain(text) from public")
    op.execute("grant execute on function slug_of_domain(text) to duilian_app")
