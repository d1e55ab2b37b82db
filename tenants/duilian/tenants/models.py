"""Tables of the tenants domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted
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
    created_at: Mapped[datetime]


class WrappedTenantKey(Tenanted, Base):
    """The tenant's key, wrapped by the master key. Versions count from 1; the highest seals, all open."""

    __tablename__ = "tenant_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "version"),)

    version: Mapped[int]
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]


class Member(Tenanted, Base):
    """A person of the employer."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("tenant_id", "email"),)

    email: Mapped[str]  # lower case
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    locale: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class StaffSession(Tenanted, Base):
    """A sign-in. Only the hash of the cookie's secret is kept."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "secret_hash"),
        ForeignKeyConstraint(
            ["tenant_id", "member_id"], ["members.tenant_id", "members.id"], ondelete="CASCADE"
        ),
    )

    member_id: Mapped[UUID]
    secret_hash: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiKey(Tenanted, Base):
    """A key for programs: rights, expiry, last use; the secret's hash only."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "secret_hash"),)

    name: Mapped[str]
    rights: Mapped[list[Any]]
    secret_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SignInAttempt(Tenanted, Base):
    """For throttling. who: hash of the e-mail address or of the network address."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_who", "tenant_id", "who", "happened_at"),)

    who: Mapped[str]
    happened_at: Mapped[datetime]
