"""Tables: people who apply, and their invitations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, relationship

from duilian.infra.database import Base, Tenanted


class Candidate(Tenanted, Base):
    __tablename__ = "candidates"
    __table_args__ = (UniqueConstraint("tenant_id", "email"),)

    name: Mapped[str]
    email: Mapped[str]  # lower case
    created_at: Mapped[datetime]


class Invitation(Tenanted, Base):
    """Opens one interview for one person. The link's token is derived, never stored.

    `set_id` freezes the published version; `closed_at` is set when the interview ended, so that the same person
    cannot hold two open invitations to the same set.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "candidate_id"], ["candidates.tenant_id", "candidates.id"]),
        ForeignKeyConstraint(["tenant_id", "set_id"], ["published_sets.tenant_id", "published_sets.id"]),
        Index(
            "uq_invitations_open",
            "tenant_id",
            "candidate_id",
            "set_key",
            unique=True,
            postgresql_where=text("closed_at is null"),
        ),
    )

    candidate_id: Mapped[UUID]
    set_id: Mapped[UUID]
    set_key: Mapped[str]
    locale: Mapped[str]
    invited_by: Mapped[str]
    created_at: Mapped[datetime]
    deadline: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    candidate: Mapped[Candidate] = relationship(lazy="raise", viewonly=True)
