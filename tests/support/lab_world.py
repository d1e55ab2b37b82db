"""A tenant with a past for the laboratory: 240 interviews, two raters, later outcomes, declared groups.

What is planted: women move on at about half the rate of men though nobody's total differs by it; the question `last`
is answered at random; one rater is stricter than the other by most of a level; probation performance follows the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select

from duilian.customization.labels.items import item_of
from duilian.customization.labels.models import Example, HistoryImport, Outcome, Rating
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_set
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.platform.decisions.models import Decision
from duilian.platform.privacy import declarations, practice
from duilian.platform.recruiting.models import Candidate
from duilian.platform.recruiting.service import Person, invite
from duilian.platform.reports.models import Report
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.opening import open_interview
from duilian.platform.sessions.states import AnswerState, Status
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.models import Member
from duilian.tenants.organisation import root_of
from inside import within
from playing import written
from world import World, run

PEOPLE = 240
RANDOM = np.random.default_rng(20260101)


@dataclass(frozen=True)
class Past:
    """candidates: in order; women: every second one. raters: labels of the strict and the even one."""

    candidates: list[UUID]
    strict: str
    even: str
    last: str


def remember(world: World, people: int = PEOPLE) -> Past:
    """Everything in one transaction; then the declarations, each in its own candidate's session."""
    past = within(world, partial(_past, people=people))
    run(_declare(world, past))
    return past


async def _declare(world: World, past: Past) -> None:
    database = open_database(world.settings, open_keyring(world.settings), 1)
    try:
        for number, candidate in enumerate(past.candidates):
            choice = {"gender": "woman" if number % 2 else "man"}
            async with practice.own_session(database, world.tenant_id, candidate) as own:
                await declarations.declare(own, candidate, choice)
    finally:
        await database.close()


async def _past(session: TenantSession, people: int) -> Past:
    root, published = await root_of(session), await newest_set(session, "complaint")
    content = content_of(published)
    raters = {row.name: f"member:{row.id}" for row in await session.scalars(select(Member))}
    past = Past([], raters["interviewer"], raters["recruiter"], content.questions[-1].key)
    texts = (
        written("complaint", "strong", "zh")
        + written("complaint", "medium", "zh")
        + written("complaint", "weak", "zh")
    )
    file = _file(root.id)
    session.add(file)
    await session.flush()
    for number in range(people):
        person = Person(f"候选人{number}", f"past{number}@people.example")
        invitation = await invite(session, published, person, "zh-CN", 48, "tests", root.id)
        interview = await open_interview(session, invitation)
        able = float(RANDOM.normal(0, 1))
        await _interview(session, interview, content, able)
        total = float(np.clip(5 + 1.6 * able + RANDOM.normal(0, 0.5), 0, 10))
        candidate = await session.get_one(Candidate, (session.tenant_id, invitation.candidate_id))
        past.candidates.append(candidate.id)
        _report(session, interview, total)
        advanced = RANDOM.random() < (0.35 if number % 2 else 0.75)
        _decision(session, interview, raters["recruiter"], advanced)
        _label(session, content, interview, candidate, past, able, texts[number % len(texts)])
        if advanced:
            session.add(_outcome(file, candidate, number, 60 + 6 * total + float(RANDOM.normal(0, 8))))
        invitation.closed_at = now()
    await session.flush()
    return past


async def _interview(session: TenantSession, interview: Interview, content: QuestionSet, able: float) -> None:
    interview.status, interview.submitted_at = Status.REPORTED, now()
    answers = await session.scalars(select(Answer).where(Answer.interview_id == interview.id))
    for answer in answers:
        noise = answer.question_key == content.questions[-1].key
        level = RANDOM.uniform(1, 5) if noise else 3 + 0.9 * able + RANDOM.normal(0, 0.5)
        answer.state, answer.mode = AnswerState.PROCESSED, "text"
        answer.opened_at = now() - timedelta(seconds=90)
        answer.answered_at = answer.opened_at + timedelta(seconds=float(RANDOM.uniform(40, 80)))
        question = content.question(answer.question_key)
        assert question
        competency = question.competencies[0]
        judged = {"judgements": [_judged(competency, float(np.clip(level, 1, 5)))]}
        session.add(
            Analysis(
                answer_id=answer.id, version=answer.answered_at.isoformat(), transcript=None, observation=None,
                judged=judged, corrected=None, voices=None, refusal=None, versions={}, created_at=now(),
            )
        )  # fmt: skip


def _judged(competency: str, level: float) -> dict[str, Any]:
    weights = np.exp(-0.5 * ((np.arange(1, 6) - level) / 0.6) ** 2)
    return {
        "competency": competency, "outcome": "scored", "posterior": (weights / weights.sum()).tolist(), "weight": 1.0,
        "quotes": [],
    }  # fmt: skip


def _report(session: TenantSession, interview: Interview, total: float) -> None:
    numbers = {"outcome": "scored", "score": total, "standard_error": float(RANDOM.uniform(0.3, 1.5))}
    session.add(
        Report(
            interview_id=interview.id, revision=1, content={}, total=numbers, flags=0, sha256="0" * 64, created_at=now()
        )
    )  # fmt: skip


def _decision(session: TenantSession, interview: Interview, member: str, advanced: bool) -> None:
    session.add(
        Decision(
            interview_id=interview.id, member_id=UUID(member.partition(":")[2]),
            outcome="advance" if advanced else "reject", reason="…", decided_at=now(),
        )
    )  # fmt: skip


def _label(
    session: TenantSession, content: QuestionSet, interview: Interview, candidate: Candidate, past: Past, able: float,
    text: str,
) -> None:  # fmt: skip
    """One labelled answer a person; the machine errs most where it says so."""
    question = content.questions[1]
    competency, example_id = question.competencies[0], new_id()
    true = 3 + 1.1 * able
    error = float(RANDOM.choice([0.3, 1.4], p=[0.7, 0.3]))
    mean = float(np.clip(true + RANDOM.normal(0, error), 1, 5))
    session.add(
        Example(
            id=example_id, unit_id=interview.unit_id, source="import", import_id=None, row_number=None, interview_id=None,
            answer_id=None, set_id=interview.set_id, set_key=content.key, question_key=question.key, question=None,
            competency=competency, item=item_of(content.key, question.key, competency), language="zh", answer=text,
            characters=len(text), person_index=candidate.email_index, fingerprint=example_id.bytes,
            answered_on=None, ai={"versions": {}}, ai_level=round(mean), ai_mean=mean, ai_error=error, good_by=None,
            good_at=None, withheld_at=None, created_at=now(),
        )
    )  # fmt: skip
    for kind, rater, strict in (("first", past.even, 0.0), ("second", past.strict, 0.7)):
        level = int(np.clip(np.rint(true - strict + RANDOM.normal(0, 0.4)), 1, 5))
        session.add(
            Rating(
                example_id=example_id, kind=kind, rater=rater, rater_name=None, level=level, evidence=[], reason=None,
                blind=kind == "second", ai_level=None, origin="page", original=None, rated_at=now(),
                superseded_at=None, supersedes_id=None,
            )
        )  # fmt: skip


def _file(unit: UUID) -> HistoryImport:
    return HistoryImport(
        id=new_id(), unit_id=unit, kind="outcomes", format="csv", file_name="probation.csv", sha256="0" * 64, size=1,
        preview=None, mapping=None, findings=None, state="imported", counts={}, done=1, total=1, failure=None,
        created_by="tests", created_at=now(), checked_at=now(), imported_by="tests", imported_at=now(), undone_by=None,
        undone_at=None,
    )  # fmt: skip


def _outcome(file: HistoryImport, candidate: Candidate, row: int, value: float) -> Outcome:
    return Outcome(
        unit_id=file.unit_id, import_id=file.id, row_number=row, person_index=candidate.email_index,
        kind="probation_performance", value=value, unit="points", measured_on=None, created_at=now(),
    )  # fmt: skip
