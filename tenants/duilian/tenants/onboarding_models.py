"""Tables of a tenant that was opened alone: its trial, how far the setting up is, its logo, its own domain. One row a tenant."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, Tenanted


class Trial(Tenanted, Base):
    """Limits (试用). A tenant without a row has none. invitations: how many there may be; used: there were so far."""

    __tablename__ = "trials"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    invitations: Mapped[int]
    used: Mapped[int]


class Onboarding(Tenanted, Base):
    """What cannot be told from other rows. A tenant without a row was set up by somebody else."""

    __tablename__ = "onboardings"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    brand_at: Mapped[datetime | None]
    domain_skipped_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]


class TenantLogo(Tenanted, Base):
    """The picture as it is served: public, so not sealed."""

    __tablename__ = "tenant_logos"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    content_type: Mapped[str]
    content: Mapped[bytes]
    sha256: Mapped[str]
    changed_at: Mapped[datetime]


class TenantDomain(Tenanted, Base):
    """A domain that the tenant says is its own. problem: why the last look did not verify it, "" or a code. misses: daily
    looks in a row that did not find the record; in_links: invitations name it."""

    __tablename__ = "tenant_domains"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    domain: Mapped[str]
    token: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    problem: Mapped[str]
    verified_at: Mapped[datetime | None]
    misses: Mapped[int]
    in_links: Mapped[bool]
