"""Asking a language model for its judgement under the rubric, where the tenant allows it (语言模型按评分标准的意见).

What it says is kept with the analysis, with the spread it was weighed by, so that a score is had again without asking. No
answer waits for it longer than its deadlines: what does not come is told, and the score stands without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.customization.labels import persons
from duilian.customization.labels.examples import level_of, marks_of
from duilian.customization.labels.models import Example
from duilian.infra.database import Database, TenantSession
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.sessions.models import Answer, Interview
from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.serving.errors import (
    BudgetSpent,
    NoLanguageModel,
    ServingFailed,
    ServingRefused,
    ServingUnavailable,
)
from duilian.serving.scoring import opinion

NEWEST = 300  # answers of a competency looked through for its record
_TOLD = frozenset({BudgetSpent.code, NoLanguageModel.code})
_FOR_ALL = frozenset({*_TOLD, "unavailable"})  # whatever is asked next would get the same answer


async def with_opinions(
    serving: ServingClient, database: Database, tenant_id: UUID, answer_id: UUID, request: c.ScoreRequest,
    response: c.ScoreResponse,
) -> c.ScoreResponse:  # fmt: skip
    """The response with an opinion beside each competency that evidence was found for, one question each."""
    request = msgspec.structs.replace(request, tenant=str(tenant_id))
    profiles = {profile.key: profile for profile in request.competencies}
    pieces = opinion.shown(request.answer.text, response.set_aside)
    said: dict[str, c.Opinion] = {}
    for judgement in response.judgements:
        if judgement.outcome == "scored":
            stuck = next((one for one in said.values() if one.code in _FOR_ALL), None)
            said[judgement.competency] = stuck or await _ask(
                serving, request, profiles[judgement.competency], pieces
            )
    async with database.begin(tenant_id) as session:
        said = {key: await _weighed(session, answer_id, key, one) for key, one in said.items()}
    return _together(response, said)


async def _ask(
    serving: ServingClient, request: c.ScoreRequest, profile: c.CompetencyProfile, pieces: list[tuple[int, str]]
) -> c.Opinion:  # fmt: skip
    try:
        answer = await serving.converse(opinion.asking(request, profile, pieces))
        level, quotes, because = opinion.read(answer.content, request, pieces)
    except opinion.NoOpinion as none:
        return c.Opinion(outcome="none", code=none.code)
    except ServingUnavailable:
        return c.Opinion(outcome="none", code="unavailable")
    except ServingFailed:
        return c.Opinion(outcome="none", code="unusable")
    except ServingRefused as refused:
        code = str(refused.params["refusal"])
        return c.Opinion(outcome="none", code=code if code in _TOLD else "unusable")
    return c.Opinion(outcome="used", level=level, quotes=quotes, because=because, versions=answer.versions)


async def _weighed(session: TenantSession, answer_id: UUID, competency: str, said: c.Opinion) -> c.Opinion:
    if said.level is None:
        return said
    found = await differences(session, competency, said.versions, await _person(session, answer_id))
    return msgspec.structs.replace(said, spread=round(opinion.spread_of(found), 4), labels=len(found))


async def differences(
    session: TenantSession, competency: str, versions: Mapping[str, str], person: bytes | None
) -> list[float]:
    """Its level less people's mark, over the newest answers that both judged: by the same model and prompt, of other
    persons, and marked by people who were not shown the scorer's level."""
    query = select(Example).where(
        Example.competency == competency, Example.source == "interview", Example.withheld_at.is_(None),
        Example.ai_sealed.is_not(None), Example.person_index.is_distinct_from(person),
    )  # fmt: skip
    rows = list(await session.scalars(query.order_by(Example.created_at.desc(), Example.id).limit(NEWEST)))
    marks = await marks_of(session, [row.id for row in rows])
    found: list[float] = []
    for row in rows:
        said = (row.ai or {}).get("opinion")
        own = {kind: mark for kind, mark in marks.get(row.id, {}).items() if mark.ai_level is None}
        if own and said and said["versions"] == versions:
            found.append(said["level"] - level_of(own))
    return found


async def _person(session: TenantSession, answer_id: UUID) -> bytes:
    query = (
        select(Candidate)
        .join(Invitation, Invitation.candidate_id == Candidate.id)
        .join(Interview, Interview.invitation_id == Invitation.id)
        .join(Answer, Answer.interview_id == Interview.id)
        .where(Answer.id == answer_id)
    )
    return persons.index_of(session, (await session.scalars(query)).one().email)


def _together(response: c.ScoreResponse, said: Mapping[str, c.Opinion]) -> c.ScoreResponse:
    aside = bool(response.set_aside)
    judgements = [
        opinion.with_opinion(one, said[one.competency], aside=aside) if one.competency in said else one
        for one in response.judgements
    ]
    versions = {name: version for one in said.values() for name, version in one.versions.items()}
    return msgspec.structs.replace(response, judgements=judgements, versions=response.versions | versions)
