"""The rows that figures are made of. Read once, in one transaction; nothing of it is kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from math import nan
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from duilian.customization.labels.examples import ADJUDICATED, FIRST, SECOND, level_of, marks_of
from duilian.customization.labels.models import Example, Outcome
from duilian.infra.database import TenantSession
from duilian.platform.decisions.models import Decision
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.models import Report
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions.models import Answer, Interview

MOST_EXAMPLES = 20_000
MOST_INTERVIEWS = 5_000  # the newest
BATCH = 500
ADVANCED = "advance"


@dataclass(frozen=True)
class Marked:
    """A labelled example. Levels 1–5, nan where there is none. person: a pseudonym, or the example's own number.

    blind: a human's mark whose giver saw neither the scorer's nor another's; truth: what the marks come to.
    """

    example_id: UUID
    item: str
    competency: str
    person: str
    first: float
    second: float
    blind: float
    truth: float
    raters: dict[str, tuple[str, float]]  # by kind
    machine: float
    mean: float
    error: float


@dataclass(frozen=True)
class Talk:
    """A reported interview. total: 0–10 or nan; by question: mean level 1–5 and seconds. decided, advanced: by a person."""

    interview_id: UUID
    candidate_id: UUID
    person: str
    set_key: str
    at: datetime
    total: float
    outcome: str
    decided: bool
    advanced: bool
    levels: dict[str, float] = field(default_factory=dict[str, float])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    given: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class Rows:
    marked: list[Marked]
    talks: list[Talk]
    outcomes: dict[str, dict[str, float]]  # by kind, by person
    machine: dict[str, float]  # by person: mean of what the scorer said of their answers, 1–5


async def gather(session: TenantSession) -> Rows:
    """Of the whole tenant; withheld examples and dry runs are not there."""
    examples = await _examples(session)
    return Rows(
        marked=await _marked(session, examples),
        talks=await _talks(session),
        outcomes=await _outcomes(session),
        machine=_machine(examples),
    )


async def _examples(session: TenantSession) -> list[Example]:
    query = select(Example).where(Example.withheld_at.is_(None)).order_by(Example.id.desc())
    return list(await session.scalars(query.limit(MOST_EXAMPLES)))


async def _marked(session: TenantSession, examples: list[Example]) -> list[Marked]:
    marks = await marks_of(session, [example.id for example in examples])
    return [_of(example, marks[example.id]) for example in examples if example.id in marks]


def _of(example: Example, marks: dict[str, Any]) -> Marked:  # Any: Rating; kinds are plain keys
    level = {kind: float(mark.level) for kind, mark in marks.items()}
    blind = next((level[kind] for kind in (SECOND, FIRST) if kind in marks and marks[kind].blind), nan)
    return Marked(
        example_id=example.id,
        item=example.item,
        competency=example.competency,
        person=example.person_index.hex() if example.person_index else str(example.id),
        first=level.get(FIRST, nan),
        second=level.get(SECOND, nan),
        blind=blind,
        truth=level_of(marks),
        raters={kind: (marks[kind].rater, level[kind]) for kind in marks if kind != ADJUDICATED},
        machine=nan if example.ai_level is None else float(example.ai_level),
        mean=nan if example.ai_mean is None else example.ai_mean,
        error=nan if example.ai_error is None else example.ai_error,
    )


def _machine(examples: list[Example]) -> dict[str, float]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for example in examples:
        if example.person_index is not None and example.ai_mean is not None:
            found[example.person_index.hex()].append(example.ai_mean)
    return {person: sum(means) / len(means) for person, means in found.items()}


async def _outcomes(session: TenantSession) -> dict[str, dict[str, float]]:
    """The newest value of each kind and person."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in await session.scalars(select(Outcome).order_by(Outcome.id)):
        found[row.kind][row.person_index.hex()] = row.value
    return dict(found)


async def _talks(session: TenantSession) -> list[Talk]:
    newest = (
        select(Report.interview_id, func.max(Report.revision).label("revision"))
        .group_by(Report.interview_id)
        .subquery()
    )
    query = (
        select(Interview, Invitation, Candidate.email_index, Report.total, Report.created_at)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .join(newest, newest.c.interview_id == Interview.id)
        .join(Report, (Report.interview_id == Interview.id) & (Report.revision == newest.c.revision))
        .where(Interview.dry_run.is_(False), Interview.erased_at.is_(None))
        .order_by(Interview.id.desc())
        .limit(MOST_INTERVIEWS)
    )
    rows = (await session.execute(query)).all()
    decided = await _decisions(session)
    talks = [_talk(row[0], row[1], row[2], row[3], row[4], decided) for row in rows]
    for first in range(0, len(talks), BATCH):
        await _fill(session, {talk.interview_id: talk for talk in talks[first : first + BATCH]})
    return talks


def _talk(
    interview: Interview,
    invitation: Invitation,
    person: bytes,
    total: dict[str, Any],
    at: datetime,
    decided: dict[UUID, str],
) -> Talk:
    score = total.get("score")
    outcome = decided.get(interview.id, "")
    return Talk(
        interview_id=interview.id,
        candidate_id=invitation.candidate_id,
        person=person.hex(),
        set_key=invitation.set_key,
        at=at,
        total=nan if score is None else float(score),
        outcome=str(total.get("outcome", "")),
        decided=outcome in (ADVANCED, "reject"),
        advanced=outcome == ADVANCED,
    )


async def _decisions(session: TenantSession) -> dict[UUID, str]:
    """The newest decision by interview."""
    query = select(Decision.interview_id, Decision.outcome).order_by(Decision.id)
    rows = await session.execute(query)
    return {row.interview_id: row.outcome for row in rows}


async def _fill(session: TenantSession, talks: dict[UUID, Talk]) -> None:
    """Levels, times and exposure of each question."""
    query = (
        select(Answer, Analysis)
        .outerjoin(Analysis, (Analysis.answer_id == Answer.id))
        .where(Answer.interview_id.in_(talks))
    )
    for answer, analysis in await session.execute(query):
        talk = talks[answer.interview_id]
        if answer.opened_at is not None:
            talk.given.add(answer.question_key)
            if answer.answered_at is not None:
                spent = (answer.answered_at - answer.opened_at).total_seconds()
                talk.seconds[answer.question_key] = max(0.0, spent)
        level = _level(analysis)
        if level is not None:
            talk.levels[answer.question_key] = level


def _level(analysis: Analysis | None) -> float | None:
    """The mean over the competencies that the answer shows."""
    if analysis is None or analysis.judged_sealed is None:
        return None
    means = [
        sum(level * p for level, p in enumerate(one["posterior"], 1))
        for one in analysis.judged["judgements"]
        if one["outcome"] == "scored"
    ]
    return sum(means) / len(means) if means else None
