"""Past interviews scored again from what is stored (重算): the judgements stay as they were, weights and cut points change.

Counted are interviews whose newest report has a total, and whose total comes out the same when it is replayed under the
version it was made with; whatever does not is left out and said. Nothing that was reported is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.schemas import Competency, QuestionSet
from duilian.customization.service import questions_of
from duilian.infra.database import TenantSession
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.models import Report
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.pooling import LEAST_SHARE, Measure, measure, weighted
from duilian.platform.sessions.models import Answer, Interview
from duilian.serving.contracts import Judgement

MOST = 2000  # interviews of a set, the newest
BATCH = 200
EXACT = 0.051  # points: totals are stored in tenths


@dataclass(frozen=True)
class Past:
    """One reported interview. judged: judgements with evidence, by competency; total: as it was reported, 0–10."""

    interview_id: UUID
    report_id: UUID
    person: str
    set_id: UUID
    total: float
    judged: dict[str, list[Judgement]] = field(default_factory=dict[str, list[Judgement]])


@dataclass(frozen=True)
class Replayed:
    """past: those that came out as reported. reported: all with a total; otherwise: of an earlier shape of the set."""

    past: list[Past]
    reported: int
    otherwise: int


async def replayable(session: TenantSession, content: QuestionSet) -> Replayed:
    """Of every version of the set with the same competencies as `content`."""
    found = await reported(session, content.key)
    keys = [one.key for one in content.competencies]
    kept: list[Past] = []
    otherwise = 0
    for first in range(0, len(found), BATCH):
        batch = {one.interview_id: one for one in found[first : first + BATCH]}
        await fill(session, batch)
        for one in batch.values():
            own = await questions_of(session, one.set_id)
            if [c.key for c in own.competencies] != keys:
                otherwise += 1
            elif (total := total_of(own.competencies, one)) is not None and abs(total - one.total) < EXACT:
                kept.append(one)
    return Replayed(kept, len(found), otherwise)


def measures_of(competencies: Sequence[Competency], past: Past) -> dict[str, Measure]:
    """By competency, of those that could be scored."""
    return {one.key: measure(one, past.judged[one.key]) for one in competencies if past.judged.get(one.key)}


def total_of(competencies: Sequence[Competency], past: Past) -> float | None:
    """0–10; None where too little could be scored."""
    found = measures_of(competencies, past)
    scored = [(one.weight, found[one.key].score) for one in competencies if one.key in found]
    return weighted(scored) if sum(weight for weight, _ in scored) >= LEAST_SHARE else None


async def reported(session: TenantSession, set_key: str) -> list[Past]:
    """Newest first, without their judgements."""
    newest = (
        select(Report.interview_id, func.max(Report.revision).label("revision"))
        .group_by(Report.interview_id)
        .subquery()
    )
    query = (
        select(Interview.id, Report.id, Candidate.email_index, Interview.set_id, Report.total)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .join(newest, newest.c.interview_id == Interview.id)
        .join(Report, (Report.interview_id == Interview.id) & (Report.revision == newest.c.revision))
        .where(Invitation.set_key == set_key, Interview.dry_run.is_(False), Interview.erased_at.is_(None))
        .order_by(Interview.id.desc())
        .limit(MOST)
    )
    rows = await session.execute(query)
    return [
        Past(interview, report, person.hex(), set_id, float(total["score"]))
        for interview, report, person, set_id, total in rows
        if total.get("score") is not None
    ]


async def fill(session: TenantSession, past: dict[UUID, Past]) -> None:
    """past: by interview; their judgements are put in."""
    query = (
        select(Answer.interview_id, Answer.question_key, Analysis)
        .join(Analysis, Analysis.answer_id == Answer.id)
        .where(Answer.interview_id.in_(past), Analysis.judged_sealed.is_not(None))
        .order_by(Answer.interview_id, Answer.position)
    )
    for interview_id, question_key, analysis in (await session.execute(query)).all():
        if analysis.refusal is not None:
            continue
        one = past[interview_id]
        question = (await questions_of(session, one.set_id)).question(question_key)
        asked = set(question.competencies) if question else set[str]()
        judgements = msgspec.convert(analysis.judged["judgements"], list[Judgement])
        found: defaultdict[str, list[Judgement]] = defaultdict(list, one.judged)
        for judgement in judgements:
            if judgement.outcome == "scored" and judgement.competency in asked:
                found[judgement.competency].append(judgement)
        one.judged.update(found)
