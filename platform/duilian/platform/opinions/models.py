"""Tables: reviewers' judgements of strictness, candidates' surveys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_text


class StrictnessJudgement(Tenanted, Base):
    """Whether a score was too strict (偏严), about right or too lenient (偏宽), as a member sees it.

    One standing judgement a member, competency and report; competency "" is the total. It goes with the report.
    """

    __tablename__ = "strictness_judgements"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "report_id", "member_id", "competency", name="uq_strictness_judgements_standing"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "report_id"], ["reports.tenant_id", "reports.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "member_id"], ["members.tenant_id", "members.id"], ondelete="CASCADE"
        ),
    )

    report_id: Mapped[UUID]
    member_id: Mapped[UUID]
    competency: Mapped[str]
    verdict: Mapped[str]
    note_sealed: Mapped[bytes | None]
    judged_at: Mapped[datetime]

    note = sealed_text()


class Survey(Tenanted, Base):
    """What a candidate said of the questions of one interview (题目反馈).

    Seen in the candidate's own session, and by `survey.counted`, which tells of nobody. No other session sees a row, no
    relationship leads here. answers: by question, {"felt": "hard" | "right" | "easy" | None, "unclear": bool}.
    """

    __tablename__ = "surveys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "interview_id"),
        ForeignKeyConstraint(
            ["tenant_id", "candidate_id"], ["candidates.tenant_id", "candidates.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"], ondelete="CASCADE"
        ),
        Index("ix_surveys_set_key", "tenant_id", "set_key"),
        Index("ix_surveys_candidate_id", "tenant_id", "candidate_id"),
    )

    candidate_id: Mapped[UUID]
    interview_id: Mapped[UUID]
    set_key: Mapped[str]
    answers: Mapped[JsonObject]
    words_sealed: Mapped[bytes | None]
    given_at: Mapped[datetime]

    words = sealed_text()
