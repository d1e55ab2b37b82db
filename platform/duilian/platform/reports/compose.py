"""Composing the report from stored parts: a pure function of them, so that the same parts give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.models import PublishedSet
from duilian.customization.schemas import Question, QuestionSet
from duilian.customization.service import content_of, set_version
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.platform.reports.counterfactual import probe_later
from duilian.platform.reports.facts import integrity_facts, quality_facts
from duilian.platform.reports.found import Found, Permitted, as_read, found, permitted
from duilian.platform.reports.models import Report
from duilian.platform.reports.verify import verify_report
from duilian.platform.scoring.models import Analysis, TranscriptCorrection
from duilian.platform.scoring.pooling import pool, total
from duilian.platform.sessions import consents, steps
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import SETTLED, Status
from duilian.serving.contracts import Transcript
from duilian.tenants.policy import Policy

FORMAT = 5


class ReportComposer:
    """The task `reports.compose`: repeated or raced, it writes one report."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, tenant_id: UUID, interview_id: str) -> None:
        async with self._database.begin(tenant_id) as session:
            query = select(Interview).where(Interview.id == UUID(interview_id)).with_for_update()
            interview = (await session.scalars(query)).one()
            answers = await answers_of(session, interview)
            if interview.status == Status.SUBMITTED and {a.state for a in answers} <= SETTLED:
                await _write(session, interview, answers)
                interview.status = Status.REPORTED


async def _write(session: TenantSession, interview: Interview, answers: list[Answer]) -> None:
    published = await set_version(session, interview.set_id)
    analyses = {a.answer_id: a for a in await _analyses(session, answers)}
    policy = await policy_of(session, interview)
    may = permitted(policy, await consents.decisions_of(session, interview, policy))
    corrections = await _corrections(session, answers)
    content = compose(interview, published, answers, analyses, policy, may, corrections)
    verify_report(content, content_of(published))
    newest = select(func.max(Report.revision)).where(Report.interview_id == interview.id)
    revision = await session.scalar(newest) or 0
    digest = sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
    row = Report(
        interview_id=interview.id,
        revision=revision + 1,
        content=content,
        total=content["total"],
        flags=len(content["integrity"]),
        sha256=digest,
        created_at=now(),
    )
    session.add(row)
    if not interview.dry_run:  # nobody is told of it, and nobody pays for it
        await session.flush()
        await probe_later(session, row.id)
        await events.append(
            session, "report.ready", interview.id, "system", outcome=content["total"]["outcome"]
        )


async def _analyses(session: TenantSession, answers: list[Answer]) -> list[Analysis]:
    return list(
        await session.scalars(select(Analysis).where(Analysis.answer_id.in_([a.id for a in answers])))
    )


async def _corrections(session: TenantSession, answers: list[Answer]) -> dict[UUID, TranscriptCorrection]:
    """The newest of each answer that was scored."""
    query = select(TranscriptCorrection).where(
        TranscriptCorrection.answer_id.in_([a.id for a in answers]),
        TranscriptCorrection.scored_at.is_not(None),
    )
    rows = await session.scalars(query.order_by(TranscriptCorrection.number))
    return {row.answer_id: row for row in rows}


def compose(
    interview: Interview,
    published: PublishedSet,
    answers: list[Answer],
    analyses: dict[UUID, Analysis],
    policy: Policy,
    may: Permitted,
    corrections: Mapping[UUID, TranscriptCorrection],
) -> dict[str, Any]:
    """The report's document (docs/report.md). Names of people stay out: they are joined when it is shown."""
    questions = content_of(published)
    seen = {a.id: found(interview, a, analyses.get(a.id), may) for a in answers}
    read = [as_read(questions, answer, seen[answer.id]) for answer in answers]
    scores = [pool(competency, read, interview.locale) for competency in questions.competencies]
    return {
        "format": FORMAT,
        "language": interview.language,
        "locale": interview.locale,
        "total": total(scores),
        "competencies": msgspec.to_builtins(scores),
        "answers": [_answer(questions, a, seen[a.id], may, corrections.get(a.id)) for a in answers],
        "integrity": integrity_facts(answers, seen),
        "human_review": {"needed": not may.scores, "reason": may.refusal["code"] if may.refusal else None},
        "made_by": {"machine": True, "label": policy.label.required},
        "policy": {
            "jurisdiction": policy.jurisdiction,
            "version": interview.policy_version or policy.version,
        },
        "versions": _versions(published, seen),
    }


def _answer(
    questions: QuestionSet,
    answer: Answer,
    seen: Found,
    may: Permitted,
    correction: TranscriptCorrection | None,
) -> dict[str, Any]:
    question = questions.question(answer.question_key)
    assert question is not None
    spoken = seen.transcript if seen.transcript and seen.transcript.words and may.delivery else None
    return {
        "key": answer.question_key,
        "position": answer.position,
        "kind": question.kind,
        "question": question.text,
        "mode": answer.mode,
        "outcome": "cannot_be_scored" if seen.refusal else "read",
        "reason": seen.refusal,
        "transcript": _transcript(seen.transcript),
        "correction": _correction(seen, correction),
        "star": seen.judged.star if seen.judged else None,
        "on_topic": seen.judged.on_topic if seen.judged else None,
        "delivery": msgspec.to_builtins(spoken.delivery) if spoken else None,
        "quality": quality_facts(seen),
        "steps": steps.by_candidate(question, answer),
        "procedure": _procedure(question, seen),
    }


def _procedure(question: Question, seen: Found) -> dict[str, Any] | None:
    """Steps of the procedure with the words that name them; None where none is asked for, or nothing was read."""
    found = seen.judged.procedure if seen.judged else None
    if found is None or question.procedure is None:
        return None
    asked = {step.key: step for step in question.procedure.steps}
    named = [
        {
            "step": one.key,
            "text": asked[one.key].text,
            "safety": asked[one.key].safety,
            "quote": one.quote,
            "offset": one.offset,
        }
        for one in found.steps
    ]
    return {
        "competency": found.competency,
        "coverage": found.coverage,
        "order": found.order,
        "effect": found.effect,
        "steps": named,
    }


def _transcript(transcript: Transcript | None) -> dict[str, Any] | None:
    """The words as they were heard, with times in seconds."""
    if transcript is None:
        return None
    document = msgspec.to_builtins(transcript)
    return {key: document[key] for key in ("text", "language", "words", "sentences", "confidence")}


def _correction(seen: Found, made: TranscriptCorrection | None) -> dict[str, Any] | None:
    """What the candidate corrected: `transcript` is the corrected text, and that is what was scored."""
    if seen.heard is None or made is None:
        return None
    return {
        "made_at": made.made_at.isoformat(),
        "changed_share": made.changed_share,
        "heard": seen.heard.text,
        "changes": made.changes,
    }


def _versions(published: PublishedSet, seen: dict[UUID, Found]) -> dict[str, str]:
    models: dict[str, str] = {}
    for part in seen.values():
        for name, version in part.versions.items():
            known = models.get(name, "").split(", ") if name in models else []
            models[name] = ", ".join(dict.fromkeys([*known, version]))  # one was released between two answers
    return {
        "question_set": f"{published.key}@{published.version}",
        "question_set_sha256": published.sha256,
        "consents": consents.VERSION,
        "report_format": str(FORMAT),
        **dict(sorted(models.items())),
    }
