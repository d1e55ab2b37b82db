"""The scorer's level for imported answers: what a person agrees with or corrects, and which answers come first.

An answer that the scorer refuses, or of whose competency no rubric is known, stays without a level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.customization.labels import items
from duilian.customization.labels.items import LOCALE_OF
from duilian.customization.labels.models import Example
from duilian.customization.schemas import Question, QuestionSet
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.labelling.gather import Opinion, opinion_of
from duilian.platform.scoring import gate
from duilian.platform.scoring.evidence import QuoteNotSaid, verify
from duilian.platform.scoring.heads import HeadShelf, Models
from duilian.platform.scoring.process import answered
from duilian.platform.scoring.refusals import CannotScore
from duilian.platform.scoring.requests import score_request, written_transcript
from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.tenants.gate_settings import gate_of
from duilian.tenants.keyring import keys_of

STEP = 20  # answers between two commits
NONE_HEARD: Mapping[UUID, str] = MappingProxyType({})
CANNOT_BE_SCORED, NO_EVIDENCE = "cannot_be_scored", "no_evidence"


@dataclass(frozen=True)
class _Asked:
    example_id: UUID
    competency: str
    request: c.ScoreRequest
    transcript: c.Transcript


class Predictor:
    """The task `labels.predict`. Repeated, it goes on with what has no level yet; import_id: of one import."""

    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, import_id: str) -> None:
        after = UUID(int=0)
        while True:
            async with self._database.begin(tenant_id) as session:
                key = keys_of(session)
                rows = await _unseen(session, UUID(import_id), after)
                asked = [found for row in rows if (found := await _asked(session, row))]
            if not rows:
                return
            after = rows[-1].id
            shelf = HeadShelf(self._store, key)
            opinions = {one.example_id: await _opinion(self._serving, shelf, one) for one in asked}
            async with self._database.begin(tenant_id) as session:
                await _keep(session, opinions)


async def _opinion(serving: ServingClient, models: Models, asked: _Asked) -> Opinion:
    language: c.Language = asked.request.language
    try:
        gate.check_written(asked.transcript.text, language)
        request = await models.named_in(asked.request)
        judged = await answered(serving.score(request, models.artefact))
        verify(judged, asked.transcript)
        gate.check_judged(judged)
    except (CannotScore, QuoteNotSaid) as refusal:
        return Opinion(None, None, None, {"outcome": CANNOT_BE_SCORED, "code": refusal.code, "quotes": []})
    mine = next((j for j in judged.judgements if j.competency == asked.competency), None)
    if mine is None:
        return Opinion(None, None, None, {"outcome": NO_EVIDENCE, "quotes": []})
    return opinion_of(mine, judged.versions, asked.transcript.text)


async def _unseen(session: TenantSession, import_id: UUID, after: UUID) -> list[Example]:
    query = select(Example).where(
        Example.import_id == import_id, Example.ai_sealed.is_(None), Example.id > after
    )
    return list(await session.scalars(query.order_by(Example.id).limit(STEP)))


async def _asked(session: TenantSession, example: Example, said: str | None = None) -> _Asked | None:
    """None where no rubric is known for the competency. said: other words than the example's."""
    content = await items.content(session, example.set_id)
    competency = await items.competency_of(session, example)
    if content is None or competency is None:
        return None
    language: c.Language = "zh" if example.language == "zh" else "en"
    question = content.question(example.question_key) or _own(content, example)
    question = msgspec.structs.replace(question, competencies=[competency.key])
    transcript = written_transcript(example.answer if said is None else said, language)
    request = score_request(content, question, transcript, LOCALE_OF[language], await gate_of(session))
    return _Asked(example.id, competency.key, request, transcript)


def _own(content: QuestionSet, example: Example) -> Question:
    """The file's own question in the shape of one of the set's."""
    words = dict.fromkeys(LOCALE_OF.values(), example.question or "")
    return msgspec.structs.replace(content.questions[0], key=example.question_key, text=words)


async def _keep(session: TenantSession, opinions: dict[UUID, Opinion]) -> None:
    for example_id, opinion in opinions.items():
        row = await session.get(Example, (session.tenant_id, example_id), with_for_update=True)
        if row is not None:  # undone meanwhile
            row.ai, row.ai_level, row.ai_mean, row.ai_error = (
                opinion.document, opinion.level, opinion.mean, opinion.error,
            )  # fmt: skip


async def judged_again(
    session: TenantSession,
    serving: ServingClient,
    models: Models,
    rows: list[Example],
    heard: Mapping[UUID, str] = NONE_HEARD,
) -> dict[UUID, Opinion]:
    """What the scorer says of these examples now, as of live answers. Nothing is kept; without a rubric there is no opinion.

    models: those in force, or others. heard: by example, the words to judge in place of its own.
    """
    asked = [found for row in rows if (found := await _asked(session, row, heard.get(row.id)))]
    return {one.example_id: await _opinion(serving, models, one) for one in asked}
