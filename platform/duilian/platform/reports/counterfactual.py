"""The counterfactual probe (反事实检验): the report's answers scored again with what should not matter swapped.

A job after the report, on the same scorer and heads. The report itself never changes; the probe stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped

from duilian.customization.schemas import QuestionSet
from duilian.customization.service import questions_of
from duilian.infra.clock import now
from duilian.infra.database import Base, Database, JsonObject, Tenanted, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.jobs import defer
from duilian.infra.objects import ObjectStore
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.found import as_read, found, permitted
from duilian.platform.reports.models import Report
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.pooling import POINTS_PER_LEVEL, ReadAnswer, pool
from duilian.platform.scoring.process import judged
from duilian.platform.scoring.requests import score_request, spoken_in
from duilian.platform.scoring.swaps import KINDS, Kind, variants
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.policy import policy_of
from duilian.serving.client import ServingClient
from duilian.tenants.gate_settings import GateSettings, gate_of
from duilian.tenants.keyring import OpenTenantKey, keys_of

PROBE = "reports.probe"
LARGE = 0.5  # levels
PAUSE = timedelta(seconds=20)  # people who wait for a report come first


class Counterfactual(Tenanted, Base):
    """changes: per kind of swap {"kind", "answers", "changes": {competency: levels}, "vanished": [competency]};
    largest: the largest change of a competency in levels, 5 where evidence vanished or appeared."""

    __tablename__ = "counterfactuals"
    __table_args__ = (
        UniqueConstraint("tenant_id", "report_id"),
        ForeignKeyConstraint(
            ["tenant_id", "report_id"], ["reports.tenant_id", "reports.id"], ondelete="CASCADE"
        ),
    )

    report_id: Mapped[UUID]
    changes: Mapped[JsonObject]
    largest: Mapped[float]
    probed_at: Mapped[datetime]


@dataclass(frozen=True)
class _Work:
    questions: QuestionSet
    answers: list[ReadAnswer]
    locales: dict[str, str]  # by answer
    locale: str
    name: str
    key: OpenTenantKey
    gate: GateSettings


async def probe_later(session: TenantSession, report_id: UUID) -> None:
    await defer(session, PROBE, lock=f"{PROBE}:{report_id}", delay=PAUSE, report_id=str(report_id))


async def probe_of(session: TenantSession, report_id: UUID) -> Counterfactual | None:
    return await session.scalar(select(Counterfactual).where(Counterfactual.report_id == report_id))


class Prober:
    """The task `reports.probe`. Raises what an outage of the model tier raises; nothing is kept until the end."""

    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, report_id: str) -> None:
        async with self._database.begin(tenant_id) as session:
            work = await _read(session, UUID(report_id))
        if work is None:
            return
        before = await self._levels(work, work.answers)
        rows = [row for kind in KINDS if (row := await self._swapped(work, kind, before))]
        async with self._database.begin(tenant_id) as session:
            if await session.get(Report, (session.tenant_id, UUID(report_id))) is not None:  # else erased
                await _keep(session, UUID(report_id), rows)

    async def _swapped(
        self, work: _Work, kind: Kind, before: dict[str, float | None]
    ) -> dict[str, Any] | None:
        """The largest change of each competency over the kind's variants; None where nothing of it was said."""
        made = {a.key: variants(a.transcript, kind, work.name) for a in work.answers if a.transcript}
        changes: dict[str, float] = {}
        vanished: set[str] = set()
        for number in range(max(map(len, made.values()), default=0)):
            turned = [_with(a, made[a.key], number) for a in work.answers]
            for key, level in (await self._levels(work, turned)).items():
                was = before[key]
                if (was is None) != (level is None):
                    vanished.add(key)
                elif was is not None and level is not None:
                    changes[key] = max(changes.get(key, 0.0), round(level - was, 2), key=abs)
        touched = sum(bool(found) for found in made.values())
        return (
            {"kind": kind, "answers": touched, "changes": changes, "vanished": sorted(vanished)}
            if touched
            else None
        )

    async def _levels(self, work: _Work, answers: list[ReadAnswer]) -> dict[str, float | None]:
        """By competency, 1–5; None without evidence."""
        shelf = HeadShelf(self._store, work.key)
        read: list[ReadAnswer] = []
        for answer in answers:
            question = work.questions.question(answer.key)
            assert question is not None and answer.transcript is not None
            request = score_request(
                work.questions, question, answer.transcript, work.locales[answer.key], work.gate
            )
            read.append(msgspec.structs.replace(answer, judged=await judged(self._serving, shelf, request)))
        scores = [pool(competency, read, work.locale) for competency in work.questions.competencies]
        return {s.key: 1 + s.score / POINTS_PER_LEVEL if s.score is not None else None for s in scores}


def _with(answer: ReadAnswer, made: list[Any], number: int) -> ReadAnswer:
    """An answer that has no such variant stays as it is."""
    return msgspec.structs.replace(answer, transcript=made[number]) if number < len(made) else answer


async def _read(session: TenantSession, report_id: UUID) -> _Work | None:
    """None where the report is gone, no model may read the answers, or none was scored."""
    report = await session.get(Report, (session.tenant_id, report_id))
    if report is None:
        return None
    interview = await session.get_one(Interview, (session.tenant_id, report.interview_id))
    policy = await policy_of(session, interview)
    may = permitted(policy, await consents.decisions_of(session, interview, policy))
    answers = await answers_of(session, interview)
    rows = await session.scalars(select(Analysis).where(Analysis.answer_id.in_([a.id for a in answers])))
    analyses = {row.answer_id: row for row in rows}
    questions = await questions_of(session, interview.set_id)
    read = [as_read(questions, a, found(interview, a, analyses.get(a.id), may)) for a in answers]
    scored = [a for a in read if a.judged and a.transcript and not a.refusal]
    if not may.scores or not scored:
        return None
    query = select(Candidate).join(Invitation, Invitation.candidate_id == Candidate.id)
    candidate = (await session.scalars(query.where(Invitation.id == interview.invitation_id))).one()
    by_key = {q.key: q for q in questions.questions}
    locales = {a.key: spoken_in(interview, by_key[a.key])[1] for a in scored}
    return _Work(
        questions, scored, locales, interview.locale, candidate.name, keys_of(session), await gate_of(session)
    )


async def _keep(session: TenantSession, report_id: UUID, rows: list[dict[str, Any]]) -> None:
    largest = max(
        [5.0 if row["vanished"] else max(map(abs, row["changes"].values()), default=0.0) for row in rows],
        default=0.0,
    )
    values = {"changes": rows, "largest": largest, "probed_at": now()}
    row = {"tenant_id": session.tenant_id, "id": new_id(), "report_id": report_id} | values
    await session.execute(
        insert(Counterfactual)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "report_id"], set_=values)
    )
