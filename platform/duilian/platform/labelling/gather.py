"""Answers of interviews into the library of examples: with the person's consent to training, and only then.

Runs when a report is ready, and again with each revision of it: an answer whose transcript was corrected is another
example; the one before it goes, unless somebody has rated it or called it good: models may hold its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from uuid import UUID

from sqlalchemy import delete, select

from duilian.customization.labels import forgetting, persons
from duilian.customization.labels.checking import fingerprint
from duilian.customization.labels.items import item_of
from duilian.customization.labels.models import Example, Rating
from duilian.customization.service import questions_of
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, JsonObject, TenantSession
from duilian.infra.events import Event
from duilian.infra.fields import cipher_of
from duilian.infra.jobs import defer
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.found import found, permitted
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import AnswerState, Status
from duilian.serving.contracts import Judgement, ScoreResponse, Transcript
from duilian.tenants.policy import Feature

GATHER = "labels.gather"
CRLF = "\r\n"
BATCH = 500  # interviews looked at by one job


@dataclass(frozen=True)
class Opinion:
    """What the scorer said: level 1–5, mean and spread in levels, None where it found no evidence; document: as stored."""

    level: int | None
    mean: float | None
    error: float | None
    document: JsonObject


async def on_report(session: TenantSession, event: Event) -> None:
    """Listener of `report.ready`."""
    await gather(session, event.subject_id)


async def gather(session: TenantSession, interview_id: UUID) -> int:
    """Examples made of an interview's answers; none where policy or person do not let them be used for training."""
    query = select(Interview).where(Interview.id == interview_id).with_for_update()
    interview = await session.scalar(query)
    if interview is None or interview.dry_run or interview.status != Status.REPORTED:
        return 0
    policy = await policy_of(session, interview)
    decided = await consents.decisions_of(session, interview, policy)
    may = permitted(policy, decided)
    if not (policy.may(Feature.TRAINING, decided) and may.scores):
        await forgetting.of_interview(session, interview.id)
        return 0
    made = 0
    person = await _person(session, interview)
    for answer in await answers_of(session, interview):
        analysis = await session.scalar(select(Analysis).where(Analysis.answer_id == answer.id))
        seen = found(interview, answer, analysis, may)
        if answer.state == AnswerState.PROCESSED and seen.transcript and seen.judged and not seen.refusal:
            made += await _examples(session, interview, answer, person, seen.transcript, seen.judged)
    if made:
        audit.record(session, "labels.gathered", "interview", interview.id, after={"examples": made})
    return made


async def _person(session: TenantSession, interview: Interview) -> bytes:
    query = (
        select(Candidate)
        .join(Invitation, Invitation.candidate_id == Candidate.id)
        .where(Invitation.id == interview.invitation_id)
    )
    return persons.index_of(session, (await session.scalars(query)).one().email)


async def _examples(
    session: TenantSession, interview: Interview, answer: Answer, person: bytes, said: Transcript,
    judged: ScoreResponse,
) -> int:  # fmt: skip
    questions = await questions_of(session, interview.set_id)
    cipher, made = cipher_of(session.sync_session), 0
    text = said.text.replace(CRLF, "\n")  # as a page shows it, where evidence is marked by its place
    for judgement in judged.judgements:
        item = item_of(questions.key, answer.question_key, judgement.competency)
        mark = fingerprint(cipher, item, text)
        if await _known(session, answer.id, judgement.competency, mark):
            continue
        opinion = opinion_of(judgement, judged.versions, said.text)
        row = Example(
            unit_id=interview.unit_id, source="interview", import_id=None, row_number=None, interview_id=interview.id,
            answer_id=answer.id, set_id=interview.set_id, set_key=questions.key, question_key=answer.question_key,
            question_sealed=None, competency=judgement.competency, item=item, language=said.language, answer=text,
            characters=len(text), person_index=person, fingerprint=mark,
            answered_on=answer.answered_at.date() if answer.answered_at else None, ai=opinion.document,
            ai_level=opinion.level, ai_mean=opinion.mean, ai_error=opinion.error, good_by=None, good_at=None,
            withheld_at=None, created_at=now(),
        )  # fmt: skip
        session.add(row)
        made += 1
    await session.flush()
    return made


async def _known(session: TenantSession, answer_id: UUID, competency: str, mark: bytes) -> bool:
    """Whether this very text is there; an earlier text of the same answer that nobody rated or called good is let go."""
    same = (Example.answer_id == answer_id) & (Example.competency == competency)
    if await session.scalar(select(Example.id).where(same, Example.fingerprint == mark)):
        return True
    rated = select(Rating.id).where(Rating.tenant_id == Example.tenant_id, Rating.example_id == Example.id)
    await session.execute(delete(Example).where(same, Example.good_at.is_(None), ~rated.exists()))
    return False


def opinion_of(judgement: Judgement, versions: dict[str, str], text: str) -> Opinion:
    """text: as it was judged; quotes are placed in it with single line ends."""
    document: JsonObject = {
        "outcome": judgement.outcome,
        "quotes": [_placed(q.offset, q.text, text) for q in judgement.quotes],
        "posterior": judgement.posterior,
        "versions": versions,
    }
    if judgement.opinion and judgement.opinion.level is not None:  # its record against people's marks
        said = judgement.opinion
        document["opinion"] = {"level": said.level, "versions": said.versions}
    if judgement.outcome != "scored":
        return Opinion(None, None, None, document)
    mean = sum(level * p for level, p in enumerate(judgement.posterior, 1))
    spread = sqrt(sum(p * (level - mean) ** 2 for level, p in enumerate(judgement.posterior, 1)))
    return Opinion(min(5, max(1, round(mean))), mean, spread, document)


def _placed(offset: int, quote: str, text: str) -> dict[str, int]:
    return {"offset": offset - text.count(CRLF, 0, offset), "length": len(quote) - quote.count(CRLF)}


class Gatherer:
    """The task `labels.gather`: interviews that were reported before their answers were gathered by themselves.

    after: the last interview of the job before, "" at the beginning; where there is more, the next job is written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, tenant_id: UUID, after: str = "") -> None:
        async with self._database.begin(tenant_id) as session:
            ids = await _reported(session, UUID(after) if after else UUID(int=0))
        for interview_id in ids:
            async with self._database.begin(tenant_id) as session:
                await gather(session, interview_id)
        if len(ids) == BATCH:
            async with self._database.begin(tenant_id) as session:
                await gather_later(session, str(ids[-1]))


async def gather_later(session: TenantSession, after: str = "") -> None:
    await defer(session, GATHER, lock=f"{GATHER}:{session.tenant_id}", after=after)


async def _reported(session: TenantSession, after: UUID) -> list[UUID]:
    known = select(Example.id).where(
        Example.tenant_id == Interview.tenant_id, Example.interview_id == Interview.id
    )
    query = select(Interview.id).where(
        Interview.status == Status.REPORTED,
        Interview.dry_run.is_(False),
        Interview.id > after,
        ~known.exists(),
    )
    return list(await session.scalars(query.order_by(Interview.id).limit(BATCH)))
