"""Tables of the tenants domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_text
from duilian.infra.ids import new_id


class Tenant(Base):
    """The tenant itself. Row-level security compares `id`; `tenant_id_of(slug)` finds it before one is set."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[JsonObject]  # locale → words
    industry: Mapped[str]
    locale: Mapped[str]
    time_zone: Mapped[str]
    brand: Mapped[JsonObject]
    vocabulary: Mapped[JsonObject]  # locale → terms the recogniser listens for
    jurisdiction: Mapped[str]  # a profile of policy.py
    policy_overrides: Mapped[JsonObject]  # policy.Overrides
    # Thresholds of gate_settings.GateSettings; read where they are needed only.
    gate: Mapped[JsonObject] = mapped_column(server_default="{}", deferred=True)
    created_at: Mapped[datetime]
    closes_at: Mapped[datetime | None]  # asked for, see closures.py
    closed_at: Mapped[datetime | None]
    # Raised when what a process keeps of the keys must be forgotten.
    key_epoch: Mapped[int] = mapped_column(server_default="1")


class LeakedAnswer(Tenanted, Base):
    """An answer that the tenant knows to be passed around. place: in its list, from 0."""

    __tablename__ = "leaked_answers"

    place: Mapped[int]
    text_sealed: Mapped[bytes]

    text = sealed_text()


class WrappedTenantKey(Tenanted, Base):
    """A key of the tenant, wrapped by its lock and the master key; purposes are told in keyring.py. Versions count from 1."""

    __tablename__ = "tenant_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "purpose", "version"),)

    purpose: Mapped[str]
    version: Mapped[int]
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]


class KeyJob(Tenanted, Base):
    """Work that brings what a tenant's keys have sealed under newer ones; `renewing.py` says what each kind does.

    done and total count what the phase goes through; cursor: the last that is done. Over all phases, changed counts
    what was renewed, unreadable what could not be opened and was left.
    """

    __tablename__ = "key_jobs"

    kind: Mapped[str]
    state: Mapped[str]  # waiting, running, done, failed
    phase: Mapped[str]
    cursor: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    changed: Mapped[int]
    unreadable: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Member(Tenanted, Base):
    """A person of the employer. What they may do, and where, are their grants."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("tenant_id", "email_index"),)

    email_sealed: Mapped[bytes]
    email_index: Mapped[bytes]
    name_sealed: Mapped[bytes]
    password_hash: Mapped[str]
    locale: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    name = sealed_text()
    email = sealed_text()


class OrgUnit(Tenanted, Base):
    """A node of the organisation tree (组织架构). path: the identifiers from the root down, `/a/b/`."""

    __tablename__ = "org_units"
    __table_args__ = (
        UniqueConstraint("tenant_id", "path"),
        ForeignKeyConstraint(["tenant_id", "parent_id"], ["org_units.tenant_id", "org_units.id"]),
    )

    parent_id: Mapped[UUID | None]
    name: Mapped[str]
    kind: Mapped[str]  # headquarters, region, branch, department
    path: Mapped[str]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class CustomRole(Tenanted, Base):
    """A role that the tenant made: a name and rights."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    name: Mapped[str]
    rights: Mapped[list[Any]]
    created_at: Mapped[datetime]


class Grant(Tenanted, Base):
    """A role given to a member at a node; it holds for everything below."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("tenant_id", "member_id", "unit_id", "role"),
        ForeignKeyConstraint(
            ["tenant_id", "member_id"], ["members.tenant_id", "members.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"]),
    )

    member_id: Mapped[UUID]
    unit_id: Mapped[UUID]
    role: Mapped[str]
    granted_by: Mapped[str]
    created_at: Mapped[datetime]


class ConsultantGrant(Tenanted, Base):
    """A consultant, member of another tenant, let in for a time. label: name and address as they were then."""

    __tablename__ = "consultant_grants"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"]),
    )

    home_tenant_id: Mapped[UUID]
    home_member_id: Mapped[UUID]
    label_sealed: Mapped[bytes]
    unit_id: Mapped[UUID]
    role: Mapped[str]
    granted_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    label = sealed_text()


class StaffSession(Tenanted, Base):
    """A sign-in of a member, or of a consultant by a grant. Only the hash of the cookie's secret is kept."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "secret_hash"),
        ForeignKeyConstraint(
            ["tenant_id", "member_id"], ["members.tenant_id", "members.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "consultant_grant_id"],
            ["consultant_grants.tenant_id", "consultant_grants.id"],
            ondelete="CASCADE",
        ),
    )

    member_id: Mapped[UUID | None]
    consultant_grant_id: Mapped[UUID | None]
    secret_hash: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    method: Mapped[str]  # how it was proven: password, code, recovery, sso
    device: Mapped[str]  # the browser in a few words
    network_sealed: Mapped[bytes | None]

    network = sealed_text()


class ApiKey(Tenanted, Base):
    """A key for programs: rights in a unit (None: everywhere), expiry, last use; the secret's hash only."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "secret_hash"),
        ForeignKeyConstraint(["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"]),
    )

    unit_id: Mapped[UUID | None]

    name: Mapped[str]
    rights: Mapped[list[Any]]
    secret_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Tenanted, Base):
    """For throttling. who: hash of the e-mail address or of the network address."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_who", "tenant_id", "who", "happened_at"),)

    who: Mapped[str]
    happened_at: Mapped[datetime]
