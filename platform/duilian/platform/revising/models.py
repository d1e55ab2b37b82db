"""Tables: signals as last counted, proposals, and what each would have made of past totals."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted


class RevisionSignals(Tenanted, Base):
    """What was found for a set when it was last looked at: aggregates, also where nothing is proposed, with the reason."""

    __tablename__ = "revision_signals"
    __table_args__ = (UniqueConstraint("tenant_id", "set_key"),)

    set_key: Mapped[str]
    content: Mapped[JsonObject]
    computed_at: Mapped[datetime]


class RevisionProposal(Tenanted, Base):
    """Other weights, cut points, order or wording for one version of a set (`values.Values`).

    state: open, superseded, rejected, published, taken_back. proposed: as it was made; chosen: as a person left it.
    findings: why, with n and intervals. effect: on past interviews under `chosen`, None while it is being replayed.
    """

    __tablename__ = "revision_proposals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "base_id"], ["published_sets.tenant_id", "published_sets.id"], ondelete="CASCADE"
        ),
    )

    set_key: Mapped[str]
    base_id: Mapped[UUID]
    base_version: Mapped[int]
    state: Mapped[str]
    proposed: Mapped[JsonObject]
    chosen: Mapped[JsonObject]
    findings: Mapped[JsonObject]
    effect: Mapped[JsonObject | None]
    made_at: Mapped[datetime]
    changed_by: Mapped[str | None]
    changed_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str]
    published_id: Mapped[UUID | None]


class RevisionEffect(Tenanted, Base):
    """One past total, 0–10, under the base version and under the proposal. It goes with the report it was replayed from."""

    __tablename__ = "revision_effects"
    __table_args__ = (
        UniqueConstraint("tenant_id", "proposal_id", "report_id"),
        ForeignKeyConstraint(
            ["tenant_id", "proposal_id"], ["revision_proposals.tenant_id", "revision_proposals.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["tenant_id", "report_id"], ["reports.tenant_id", "reports.id"], ondelete="CASCADE"
        ),
    )  # fmt: skip

    proposal_id: Mapped[UUID]
    report_id: Mapped[UUID]
    before: Mapped[float]
    after: Mapped[float]
