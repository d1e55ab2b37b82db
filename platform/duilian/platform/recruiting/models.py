"""Tables: people who apply, and their invitations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Integer, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from duilian.infra.database import Base, Tenanted
from duilian.infra.fields import sealed_text


class Candidate(Tenanted, Base):
    """A person as one organisation unit knows them; another unit's people are not even told apart from nobody."""

    __tablename__ = "candidates"
    __table_args__ = (
        UniqueConstraint("tenant_id", "unit_id", "email_index"),
        ForeignKeyConstraint(["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"]),
    )

    unit_id: Mapped[UUID]
    name_sealed: Mapped[bytes]
    name_terms: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    email_sealed: Mapped[bytes]
    email_index: Mapped[bytes]
    email_terms: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    phone_sealed: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    id_number_sealed: Mapped[bytes | None]
    id_number_index: Mapped[bytes | None]
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]

    name = sealed_text()
    email = sealed_text()
    phone = sealed_text()
    id_number = sealed_text()


class Invitation(Tenanted, Base):
    """Opens one interview for one person. The link's token is derived, never stored.

    `set_id` freezes the published version; `closed_at` is set when the interview ended, so that the same person
    cannot hold two open invitations to the same set.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "candidate_id"], ["candidates.tenant_id", "candidates.id"]),
        ForeignKeyConstraint(["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"]),
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
    unit_id: Mapped[UUID]
    set_id: Mapped[UUID]
    set_key: Mapped[str]
    locale: Mapped[str]
    invited_by: Mapped[str]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime | None]  # the period of notice that the policy asks for
    deadline: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    dry_run: Mapped[bool] = mapped_column(
        server_default=false()
    )  # of a simulated candidate: no list shows it

    candidate: Mapped[Candidate] = relationship(lazy="raise", viewonly=True)
