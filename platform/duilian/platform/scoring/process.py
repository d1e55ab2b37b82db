"""Processing one answer: recording → models → judgement, as soon as it is finished.

Runs as a job, at least once. Nothing is stored until the end, and only for the version of the answer it read, so
that a retake or a second run never mixes with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.schemas import Question, QuestionSet
from duilian.customization.service import questions_of
from duilian.customization.vocabulary import service as vocabulary
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.fields import sealed_values
from duilian.infra.ids import new_id
from duilian.infra.objects import ObjectStore
from duilian.platform.media.errors import BrokenRecording, EmptyRecording, RecordingGone, RecordingTooLong
from duilian.platform.media.models import Take
from duilian.platform.media.recordings import Assembler, erase_takes
from duilian.platform.scoring import gate, refusals
from duilian.platform.scoring.evidence import verify
from duilian.platform.scoring.heads import HeadShelf, HeadUnusable
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.requests import score_request, spoken_in, written_transcript
from duilian.platform.scoring.rubric_judgement import with_opinions
from duilian.platform.scoring.shadowing import shadow_later
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import report_if_settled
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.policy import may, policy_of
from duilian.platform.sessions.states import AnswerState, Status
from duilian.serving import contracts as c
from duilian.serving.audio import decode_audio, sample_bursts, sample_frames
from duilian.serving.client import ServingClient
from duilian.serving.errors import BrokenMedia, ServingRefused, TooLong
from duilian.serving.scoring.artefact import HeadBroken
from duilian.serving.second_voice import Span, second_voice
from duilian.tenants.gate_settings import GateSettings, gate_of
from duilian.tenants.keyring import OpenTenantKey, keys_of
from duilian.tenants.policy import Feature, Rule

Answered = TypeVar("Answered")
WIDE, CLOSE = 320, 480  # pixels of a sampled frame: to see a face, to see its eyes
MEASURES: dict[Feature, c.Measure] = {Feature.GAZE: "gaze", Feature.EXPRESSION: "expression"}
GRACE_SECONDS = 15  # over the answer's time: clocks differ, recorders stop late
_BROKEN = (BrokenRecording, EmptyRecording, RecordingTooLong, refusals.CannotScore)


@dataclass(frozen=True)
class Work:
    """What a run needs, read in one transaction."""

    question: Question
    questions: QuestionSet
    language: c.Language
    locale: str
    vocabulary: list[str]
    listened: dict[str, str]  # the version of the learned words among them
    answer_id: UUID
    unscored: type[refusals.CannotScore] | None  # why no model may hear it
    may_look: bool
    measures: list[c.Measure]  # what may be looked at beyond whether somebody is there
    mode: str
    text: str | None
    take_id: UUID | None
    key: OpenTenantKey
    gate: GateSettings


@dataclass
class Findings:
    transcript: c.Transcript | None = None
    observation: c.Observation | None = None
    judged: c.ScoreResponse | None = None
    voices: list[Span] | None = None
    refusal: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)


class AnswerProcessor:
    def __init__(
        self, database: Database, store: ObjectStore, assembler: Assembler, serving: ServingClient
    ) -> None:
        self._database, self._store, self._assembler, self._serving = database, store, assembler, serving

    async def run(self, tenant_id: UUID, answer_id: str, version: str) -> None:
        async with self._database.begin(tenant_id) as session:
            work = await _read(session, UUID(answer_id), version)
        if work is None:
            return
        findings = Findings()
        try:
            await self._find(tenant_id, work, findings)
        except RecordingGone:  # withdrawn or erased meanwhile: there is nothing left to read
            return
        except _BROKEN as problem:
            findings.refusal = refusals.stored(problem)
        async with self._database.begin(tenant_id) as session:
            stored = await _store(session, UUID(answer_id), version, findings)
            if (
                stored and work.take_id is not None
            ):  # else a newer take is on its way: it is not ours to erase
                await erase_takes(session, self._store, UUID(answer_id), keep=work.take_id)

    async def _find(self, tenant_id: UUID, work: Work, findings: Findings) -> None:
        if work.mode == "text":
            await self._judge_written(tenant_id, work, findings)
            return
        assert work.take_id is not None
        longest = work.question.answer_seconds + GRACE_SECONDS
        _, media = await self._assembler.run(tenant_id, work.take_id, longest)
        if work.unscored is not None:
            raise work.unscored
        samples = await self._samples(media)
        findings.transcript = await self._transcribe(work, samples)
        findings.versions |= findings.transcript.versions | work.listened
        findings.voices = await asyncio.to_thread(second_voice, samples, findings.transcript.speech)
        await self._still_may(tenant_id, work)
        if work.may_look and work.mode == "video":
            findings.observation = await self._observe(media, work.measures)
            findings.versions |= findings.observation.versions if findings.observation else {}
        gate.check_spoken(findings.transcript, work.language, work.gate)
        await self._still_may(tenant_id, work)
        await self._judge(tenant_id, work, findings, findings.transcript)

    async def _still_may(self, tenant_id: UUID, work: Work) -> None:
        """Between two steps: whoever withdrew meanwhile is not heard any further."""
        async with self._database.begin(tenant_id) as session:
            answer = await session.get_one(Answer, (tenant_id, work.answer_id))
            interview = await session.get_one(Interview, (tenant_id, answer.interview_id))
            if (reason := await unscored(session, interview)) is not None:
                raise reason

    async def _samples(self, media: bytes) -> NDArray[np.int16]:
        try:
            return await asyncio.to_thread(decode_audio, media)
        except BrokenMedia as error:
            raise BrokenRecording from error
        except TooLong as error:
            raise RecordingTooLong(seconds=error.params["seconds"], limit=error.params["limit"]) from error

    async def _transcribe(self, work: Work, samples: NDArray[np.int16]) -> c.Transcript:
        request = c.TranscribeRequest(
            audio=samples.tobytes(), language=work.language, vocabulary=work.vocabulary
        )
        return await answered(self._serving.transcribe(request))

    async def _observe(self, media: bytes, measures: list[c.Measure]) -> c.Observation | None:
        width = CLOSE if measures else WIDE
        frames = await asyncio.to_thread(sample_frames, media, width=width)
        bursts = await asyncio.to_thread(sample_bursts, media) if "gaze" in measures else []
        request = c.ObserveRequest(frames=frames, measures=measures, blink_frames=bursts)
        return await answered(self._serving.observe(request)) if frames else None

    async def _judge_written(self, tenant_id: UUID, work: Work, findings: Findings) -> None:
        text = work.text or ""
        findings.transcript = written_transcript(text, work.language)
        if work.unscored is not None:
            raise work.unscored
        gate.check_written(text, work.language)
        await self._judge(tenant_id, work, findings, findings.transcript)

    async def _judge(self, tenant_id: UUID, work: Work, findings: Findings, transcript: c.Transcript) -> None:
        request = score_request(work.questions, work.question, transcript, work.locale, work.gate)
        findings.judged = await judged(self._serving, HeadShelf(self._store, work.key), request, explain=True)
        findings.versions |= findings.judged.versions
        verify(findings.judged, transcript)
        gate.check_judged(findings.judged)
        if work.gate.rubric_judgement:
            await self._still_may(tenant_id, work)
            findings.judged = await with_opinions(
                self._serving, self._database, tenant_id, work.answer_id, request, findings.judged
            )
            findings.versions |= findings.judged.versions
            verify(findings.judged, transcript)


async def answered(call: Awaitable[Answered]) -> Answered:
    """A refusal by the model tier means that this answer cannot be scored; an outage is raised and tried again."""
    try:
        return await call
    except ServingRefused as error:
        if error.params["refusal"] == HeadBroken.code:  # the tenant's own model: a person has to repair it
            raise HeadUnusable(reason=error.params["reason"]) from error
        raise refusals.ModelFailed from error


async def judged(
    serving: ServingClient, shelf: HeadShelf, request: c.ScoreRequest, *, explain: bool = False
) -> c.ScoreResponse:
    """By the tenant's own models where it has any in force. Raises CannotScore, HeadUnusable."""
    asked = msgspec.structs.replace(await shelf.named_in(request), explain=explain)
    return await answered(serving.score(asked, shelf.artefact))


async def _read(session: TenantSession, answer_id: UUID, version: str) -> Work | None:
    """None where the answer has moved on: processed already, or replaced by a retake."""
    answer = await session.get(Answer, (session.tenant_id, answer_id))
    if answer is None or not _is_current(answer, version):
        return None
    interview = await session.get_one(Interview, (session.tenant_id, answer.interview_id))
    questions = await questions_of(session, interview.set_id)
    question = questions.question(answer.question_key)
    assert question is not None
    language, locale = spoken_in(interview, question)
    listened_for, listened = await vocabulary.listened_for(session, locale, question)
    query = select(Take.id).where(Take.answer_id == answer.id, Take.number == answer.take_number)
    return Work(
        question=question,
        questions=questions,
        language=language,
        locale=locale,
        vocabulary=listened_for,
        listened=listened,
        answer_id=answer_id,
        unscored=await unscored(session, interview),
        may_look=await may(session, interview, Feature.FACE_PRESENCE),
        measures=[name for feature, name in MEASURES.items() if await may(session, interview, feature)],
        mode=answer.mode or "text",
        text=answer.text,
        take_id=await session.scalar(query) if answer.mode != "text" else None,
        key=keys_of(session),
        gate=await gate_of(session),
    )


async def unscored(session: TenantSession, interview: Interview) -> type[refusals.CannotScore] | None:
    """Why policy or person keep models from the answers; None where they may run."""
    policy = await policy_of(session, interview)
    granted = await consents.decisions_of(session, interview, policy)
    if policy.may(Feature.SPEECH_SCORING, granted):
        return None
    asked = policy.line(Feature.SPEECH_SCORING).rule == Rule.CONSENT
    return refusals.ScoringRefused if asked else refusals.ScoringNotAllowed


def _is_current(answer: Answer, version: str) -> bool:
    """Waiting for this run. One that a model failed on waits again when its job is replayed."""
    failed = (
        answer.state == AnswerState.FAILED and (answer.failure or {}).get("code") == refusals.ModelFailed.code
    )
    return (
        (answer.state == AnswerState.SAVED or failed)
        and answer.answered_at is not None
        and answer.answered_at.isoformat() == version
    )


async def _store(session: TenantSession, answer_id: UUID, version: str, findings: Findings) -> bool:
    """Findings, the answer's new state and, if it was the last, the report's job: together or not at all.

    False, and nothing is written, where the answer has moved on.
    """
    answer = await session.get_one(Answer, (session.tenant_id, answer_id))
    query = select(Interview).where(Interview.id == answer.interview_id).with_for_update()
    interview = (await session.scalars(query)).one()
    await session.refresh(answer)
    if not _is_current(answer, version):
        return False
    await _drop_what_was_withdrawn(session, interview, findings)
    known = await session.scalar(select(Analysis.id).where(Analysis.answer_id == answer_id))
    row_id = known or new_id()
    judged = findings.judged if findings.refusal is None else None
    sealed = sealed_values(
        session.sync_session, Analysis, row_id, transcript=_plain(findings.transcript),
        observation=_plain(findings.observation), judged=_plain(judged), corrected=None, voices=findings.voices,
    )  # fmt: skip
    values = {
        "version": version,
        **sealed,
        "refusal": findings.refusal,
        "versions": findings.versions,
        "created_at": now(),
    }
    row = {"tenant_id": session.tenant_id, "id": row_id, "answer_id": answer_id} | values
    await session.execute(
        insert(Analysis)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "answer_id"], set_=values)
    )
    answer.state = AnswerState.FAILED if findings.refusal else AnswerState.PROCESSED
    answer.failure = findings.refusal
    if interview.status == Status.REPORTED:  # replayed after the report: it gets another revision
        interview.status = Status.SUBMITTED
    await session.flush()
    await report_if_settled(session, interview)
    if judged is not None:
        await shadow_later(session, answer_id, version)
    return True


async def _drop_what_was_withdrawn(session: TenantSession, interview: Interview, findings: Findings) -> None:
    """The last look before anything is kept, under the lock that a withdrawal holds too."""
    reason = await unscored(session, interview)
    if reason is not None:
        findings.refusal, findings.versions = refusals.stored(reason()), {}
        findings.observation = findings.judged = findings.voices = None
        if (
            findings.transcript is not None and findings.transcript.audio_seconds
        ):  # else the candidate's own writing
            findings.transcript = None
    elif findings.observation is not None:
        findings.observation = await _still_seen(session, interview, findings.observation)


async def _still_seen(
    session: TenantSession, interview: Interview, observation: c.Observation
) -> c.Observation | None:
    """Nothing, where any of what was looked at may no longer be; the job is done, and is not done again."""
    looked = [Feature.FACE_PRESENCE, *(f for f, name in MEASURES.items() if name in observation.measures)]
    return observation if all([await may(session, interview, feature) for feature in looked]) else None


def _plain(structure: msgspec.Struct | None) -> Any:
    return None if structure is None else msgspec.to_builtins(structure)


async def give_up(database: Database, tenant_id: UUID, answer_id: str, version: str) -> None:
    """The last attempt failed: the answer cannot be scored, and the report need not wait for it."""
    findings = Findings(refusal=refusals.stored(refusals.ModelFailed()))
    async with database.begin(tenant_id) as session:
        await _store(session, UUID(answer_id), version, findings)


__all__ = ["AnswerProcessor", "answered", "give_up", "judged", "unscored"]
