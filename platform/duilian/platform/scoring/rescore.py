"""Scoring an answer again after its speaker corrected the transcript: the same gate, the same scorer, the new text.

Runs as a job, at least once; only the newest correction is scored. The transcript as it was heard is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.schemas import Question, QuestionSet
from duilian.customization.service import questions_of
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.scoring import gate, refusals
from duilian.platform.scoring.correction import corrected_transcript
from duilian.platform.scoring.evidence import verify
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.models import Analysis, TranscriptCorrection
from duilian.platform.scoring.process import judged, unscored
from duilian.platform.scoring.requests import score_request, spoken_in
from duilian.platform.scoring.rubric_judgement import with_opinions
from duilian.platform.scoring.shadowing import shadow_later
from duilian.platform.sessions.answering import report_if_settled
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import AnswerState, Status
from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.tenants.gate_settings import GateSettings, gate_of
from duilian.tenants.keyring import OpenTenantKey, keys_of

RESCORE = "scoring.rescore"
READ = frozenset({AnswerState.PROCESSED, AnswerState.FAILED})


@dataclass(frozen=True)
class Work:
    answer_id: UUID
    question: Question
    questions: QuestionSet
    locale: str
    transcript: c.Transcript
    key: OpenTenantKey
    gate: GateSettings


class Rescorer:
    """The task `scoring.rescore`."""

    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, correction_id: str) -> None:
        async with self._database.begin(tenant_id) as session:
            work = await _read(session, UUID(correction_id))
        if work is None:
            return
        found: c.ScoreResponse | None = None
        refusal: dict[str, Any] | None = None
        try:
            found = await self._judge(tenant_id, work)
        except refusals.CannotScore as problem:
            refusal = refusals.stored(problem)
        async with self._database.begin(tenant_id) as session:
            await _store(session, UUID(correction_id), work, found, refusal)

    async def _judge(self, tenant_id: UUID, work: Work) -> c.ScoreResponse:
        """Raises CannotScore, HeadUnusable, and what an outage of the model tier raises."""
        gate.check_corrected(work.transcript, work.transcript.language, work.gate)
        request = score_request(work.questions, work.question, work.transcript, work.locale, work.gate)
        found = await judged(self._serving, HeadShelf(self._store, work.key), request, explain=True)
        gate.check_judged(found)
        if work.gate.rubric_judgement:
            found = await with_opinions(
                self._serving, self._database, tenant_id, work.answer_id, request, found
            )
        verify(found, work.transcript)
        return found


async def _read(session: TenantSession, correction_id: UUID) -> Work | None:
    """None where there is nothing to do: erased, scored already, or corrected once more."""
    correction = await _waiting(session, correction_id)
    if correction is None:
        return None
    answer = await session.get_one(Answer, (session.tenant_id, correction.answer_id))
    analysis = await session.scalar(select(Analysis).where(Analysis.answer_id == answer.id))
    interview = await session.get_one(Interview, (session.tenant_id, answer.interview_id))
    if analysis is None or analysis.transcript is None or await unscored(session, interview) is not None:
        return None
    questions = await questions_of(session, interview.set_id)
    question = questions.question(answer.question_key)
    assert question is not None
    heard = msgspec.convert(analysis.transcript, c.Transcript)
    return Work(
        answer_id=answer.id,
        question=question,
        questions=questions,
        locale=spoken_in(interview, question)[1],
        transcript=corrected_transcript(heard, correction.text),
        key=keys_of(session),
        gate=await gate_of(session),
    )


async def _waiting(session: TenantSession, correction_id: UUID) -> TranscriptCorrection | None:
    correction = await session.get(TranscriptCorrection, (session.tenant_id, correction_id))
    if correction is None or correction.scored_at is not None:
        return None
    query = select(func.max(TranscriptCorrection.number))
    newest = await session.scalar(query.where(TranscriptCorrection.answer_id == correction.answer_id))
    return correction if correction.number == newest else None


async def _store(
    session: TenantSession,
    correction_id: UUID,
    work: Work,
    found: c.ScoreResponse | None,
    refusal: dict[str, Any] | None,
) -> None:
    """What was found, the answer's state and the report's job: together, under the lock that a withdrawal holds too."""
    correction = await session.get(TranscriptCorrection, (session.tenant_id, correction_id))
    if correction is None:
        return
    answer = await session.get_one(Answer, (session.tenant_id, correction.answer_id))
    query = select(Interview).where(Interview.id == answer.interview_id).with_for_update()
    interview = (await session.scalars(query)).one()
    await session.refresh(answer)
    analysis = await session.scalar(select(Analysis).where(Analysis.answer_id == answer.id))
    withdrawn = await unscored(session, interview) is not None
    if (
        withdrawn
        or analysis is None
        or answer.state not in READ
        or await _waiting(session, correction_id) is None
    ):
        return
    analysis.corrected = msgspec.to_builtins(work.transcript)
    analysis.judged = msgspec.to_builtins(found) if found else None
    analysis.refusal = answer.failure = refusal
    analysis.versions = {**analysis.versions, **(found.versions if found else {})}
    analysis.created_at = correction.scored_at = now()
    answer.state = AnswerState.FAILED if refusal else AnswerState.PROCESSED
    if interview.status == Status.REPORTED:
        interview.status = Status.SUBMITTED
    await session.flush()
    await report_if_settled(session, interview)
    if found is not None:
        await shadow_later(session, answer.id, analysis.version)
