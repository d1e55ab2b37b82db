"""The job `models.shadow` of a model in the shadow (影子运行): it judges live answers too, after what counts is stored, and nobody is shown its score.

It follows an answer's analysis, and never waits for, delays or changes a report.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.service import questions_of
from duilian.customization.training.models import HeadRelease, ShadowScore
from duilian.customization.training.releases import SHADOW as IN_SHADOW
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.objects import ObjectStore
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.process import answered, unscored
from duilian.platform.scoring.refusals import CannotScore
from duilian.platform.scoring.requests import score_request, spoken_in
from duilian.platform.sessions.models import Answer, Interview
from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import OpenTenantKey, keys_of


@dataclass(frozen=True)
class Work:
    """releases: id and sha256 by competency. counted: mean level by competency."""

    releases: dict[str, tuple[UUID, str]]
    request: c.ScoreRequest
    counted: dict[str, float | None]
    key: OpenTenantKey


class ShadowScorer:
    """The task `models.shadow`. Repeated, it writes the same again."""

    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, answer_id: str, version: str) -> None:
        async with self._database.begin(tenant_id) as session:
            work = await _read(session, UUID(answer_id), version)
        if work is None:
            return
        shelf = HeadShelf(self._store, work.key)
        heads = [
            c.HeadWanted(competency=competency, sha256=sha256)
            for competency, (_, sha256) in work.releases.items()
        ]
        request = msgspec.structs.replace(work.request, tenant=str(tenant_id), heads=heads)
        try:
            said = await answered(self._serving.score(request, shelf.artefact))
        except CannotScore:
            return
        async with self._database.begin(tenant_id) as session:
            if await _read(session, UUID(answer_id), version) is not None:  # not withdrawn meanwhile
                await _keep(session, UUID(answer_id), version, work, said)


async def _read(session: TenantSession, answer_id: UUID, version: str) -> Work | None:
    """None where there is nothing to compare: erased, refused, replaced, or no competency of it is in the shadow."""
    answer = await session.get(Answer, (session.tenant_id, answer_id))
    analysis = await session.scalar(select(Analysis).where(Analysis.answer_id == answer_id))
    if answer is None or analysis is None or analysis.version != version or analysis.judged is None:
        return None
    interview = await session.get_one(Interview, (session.tenant_id, answer.interview_id))
    if await unscored(session, interview) is not None:
        return None
    questions = await questions_of(session, interview.set_id)
    question = questions.question(answer.question_key)
    assert question is not None
    rows = await session.scalars(select(HeadRelease).where(HeadRelease.state == IN_SHADOW))
    releases = {
        row.competency: (row.id, row.artefact) for row in rows if row.competency in question.competencies
    }
    if not releases:
        return None
    transcript = msgspec.convert(analysis.corrected or analysis.transcript, c.Transcript)
    judged = msgspec.convert(analysis.judged, c.ScoreResponse)
    request = score_request(questions, question, transcript, spoken_in(interview, question)[1])
    return Work(releases, request, _means(judged), keys_of(session))


def _means(judged: c.ScoreResponse) -> dict[str, float | None]:
    """By competency, in levels; None without evidence. Without a language model's opinion: the shadow has none."""
    found = {
        one.competency: one.opinion.before if one.opinion and one.opinion.before else one.posterior
        for one in judged.judgements
    }
    return {
        competency: sum(level * p for level, p in enumerate(posterior, 1)) if posterior else None
        for competency, posterior in found.items()
    }


async def _keep(
    session: TenantSession, answer_id: UUID, version: str, work: Work, said: c.ScoreResponse
) -> None:
    shadow = _means(said)
    for competency, (release_id, _) in work.releases.items():
        values = {
            "version": version, "counted": work.counted.get(competency), "shadow": shadow.get(competency),
            "versions": said.versions, "created_at": now(),
        }  # fmt: skip
        row = {
            "tenant_id": session.tenant_id, "id": new_id(), "release_id": release_id, "answer_id": answer_id,
        }  # fmt: skip
        await session.execute(
            insert(ShadowScore)
            .values(**row, **values)
            .on_conflict_do_update(index_elements=["tenant_id", "release_id", "answer_id"], set_=values)
        )
