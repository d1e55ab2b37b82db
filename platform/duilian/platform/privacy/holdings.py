"""What is held about a person, by category, with its purpose and its date of erasure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from duilian.customization.labels import forgetting
from duilian.infra.database import TenantSession
from duilian.platform.decisions.models import Decision
from duilian.platform.media.models import Take
from duilian.platform.privacy import holds, people, retention
from duilian.platform.privacy.models import LegalHold
from duilian.platform.recruiting.models import Candidate
from duilian.platform.reports.models import Report
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions.models import Answer, ConsentRecord, Interview

CATEGORIES = (
    "contact", "invitation", "consents", "recordings", "answers", "transcripts", "scores", "decisions", "labels",
    "practice", "groups", "survey", "audit",
)  # fmt: skip
# What stays as long as the rest of the interview, and what goes with the recordings.
WITH_MEDIA = frozenset({"recordings"})
FOR_EVER = frozenset({"audit"})


@dataclass(frozen=True)
class Holding:
    """count: things held; until: erased by then at the latest, None where nothing is fixed yet."""

    category: str
    count: int
    until: datetime | None


@dataclass(frozen=True)
class Held:
    """All of a person: rows of every unit, interviews, and what is held of them."""

    candidates: list[Candidate]
    attended: list[people.Attended]
    holdings: list[Holding] = field(default_factory=list)
    holds: dict[UUID, LegalHold] = field(default_factory=dict)

    @property
    def interviews(self) -> list[Interview]:
        return [a.interview for a in self.attended if a.interview is not None]

    @property
    def subjects(self) -> list[UUID]:
        """Whose traces the audit log is searched for."""
        own = [c.id for c in self.candidates] + [a.invitation.id for a in self.attended]
        return own + [interview.id for interview in self.interviews]


async def held(
    session: TenantSession, candidate: Candidate, practised: int, declared: int, surveyed: int
) -> Held:
    """practised, declared, surveyed: attempts, groups and surveys that the candidate's own session counted; no other
    can."""
    candidates = await people.rows_of(session, candidate)
    attended = await people.attended(session, candidates)
    found = Held(candidates, attended)
    counts = await _counts(session, candidates, found, practised)
    counts |= {"groups": declared, "survey": surveyed}
    dates = await _dates(session, found.interviews)
    rows = [Holding(c, counts[c], dates.get(c in WITH_MEDIA)) for c in CATEGORIES if counts[c]]
    rows = [Holding(r.category, r.count, None) if r.category in FOR_EVER else r for r in rows]
    standing = await holds.standing(session, [i.id for i in found.interviews])
    return Held(candidates, attended, rows, standing)


async def _counts(
    session: TenantSession, candidates: list[Candidate], found: Held, practised: int
) -> dict[str, int]:
    interviews = [i.id for i in found.interviews]
    answers = select(Answer.id).where(Answer.interview_id.in_(interviews))

    async def number(what: Any) -> int:  # Any: a clause; SQLAlchemy's have no common public type
        return await session.scalar(select(func.count()).where(what)) or 0

    return {
        "contact": sum(c.erased_at is None for c in candidates),
        "invitation": len(found.attended),
        "consents": await number(ConsentRecord.interview_id.in_(interviews)),
        "recordings": await number(Take.answer_id.in_(answers)),
        "answers": await number(Answer.interview_id.in_(interviews) & Answer.text_sealed.is_not(None)),
        "transcripts": await number(
            Analysis.answer_id.in_(answers) & Analysis.transcript_sealed.is_not(None)
        ),
        "scores": await number(Report.interview_id.in_(interviews)),
        "decisions": await number(Decision.interview_id.in_(interviews)),
        "labels": len(
            await forgetting.held(session, await people.history_indexes(session, candidates), interviews)
        ),
        "practice": practised,
        "audit": 1,
    }


async def _dates(session: TenantSession, interviews: list[Interview]) -> dict[bool, datetime]:
    """The last date of all interviews: True for media, False for the rest; absent while one still runs."""
    clocks = [await retention.clocks_of(session, i.id) for i in interviews if i.erased_at is None]
    media = [c.media_at for c in clocks if c and c.media_at]
    records = [c.records_at for c in clocks if c and c.records_at]
    dates = {True: max(media, default=None), False: max(records, default=None)}
    return {key: at for key, at in dates.items() if at is not None and None not in clocks}
