"""What is known of one question set: interviews that can be replayed, marks, overrides, opinions. Read once, kept nowhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isfinite, nan
from uuid import UUID

from sqlalchemy import select

from duilian.customization.schemas import QuestionSet
from duilian.infra.database import Database, TenantSession
from duilian.platform.decisions.models import Override
from duilian.platform.measuring.gather import Marked, Rows, Talk
from duilian.platform.opinions import strictness, survey
from duilian.platform.opinions.strictness import VERDICTS
from duilian.platform.revising.replay import Replayed, replayable
from duilian.platform.sessions.policy import allowing
from duilian.tenants.policy import Feature

PERFORMANCE = "probation_performance"


@dataclass(frozen=True)
class Opinions:
    """What reviewers said of a score. people: different ones."""

    strict: int
    right: int
    lenient: int
    people: int


@dataclass(frozen=True)
class Corrected:
    """A person's level beside the machine's, where they set another one. difference: person minus machine, levels."""

    person: str
    competency: str
    difference: float
    score: float


@dataclass(frozen=True)
class Known:
    """opinions: by competency, "" for the total. corrected: by (interview, competency). later: performance by person.

    learnable: interviews whose person lets them improve models; only to these something is fitted.
    """

    content: QuestionSet
    replayed: Replayed
    talks: list[Talk]
    marked: list[Marked]
    corrected: dict[tuple[str, str], Corrected]
    opinions: dict[str, Opinions]
    surveys: survey.Counted
    later: dict[str, float]
    learnable: set[UUID]

    def decided(self) -> dict[str, float]:
        """By interview: one who went on, nought who did not."""
        return {str(t.interview_id): float(t.advanced) for t in self.talks if t.decided}


async def known(database: Database, session: TenantSession, content: QuestionSet, rows: Rows) -> Known:
    """rows: of the whole tenant, as the lab reads them."""
    talks = [talk for talk in rows.talks if talk.set_key == content.key]
    marked = [
        one
        for one in rows.marked
        if one.item.startswith(f"{content.key}/") and isfinite(one.truth) and isfinite(one.mean)
    ]
    replayed = await replayable(session, content)
    mine = {talk.interview_id for talk in talks} | {one.interview_id for one in replayed.past}
    return Known(
        content=content,
        replayed=replayed,
        talks=talks,
        marked=marked,
        corrected=await _corrected(session, talks),
        opinions=await _opinions(session, talks),
        surveys=await survey.counted(database, session.tenant_id, content.key),
        later=rows.outcomes.get(PERFORMANCE, {}),
        learnable=await allowing(session, mine, Feature.TRAINING),
    )


async def _corrected(session: TenantSession, talks: list[Talk]) -> dict[tuple[str, str], Corrected]:
    """The newest of each; where the machine gave none, the difference is nan."""
    people = {talk.interview_id: talk.person for talk in talks}
    query = select(Override).where(Override.interview_id.in_(people)).order_by(Override.id)
    found: dict[tuple[str, str], Corrected] = {}
    for row in await session.scalars(query):
        apart = nan if row.ai_score is None else (row.score - row.ai_score) / 2.5
        found[str(row.interview_id), row.competency] = Corrected(
            people[row.interview_id], row.competency, apart, row.score
        )
    return found


async def _opinions(session: TenantSession, talks: list[Talk]) -> dict[str, Opinions]:
    """Where a member judged several revisions of a report, all count: each is another score."""
    rows = await strictness.of_interviews(session, [talk.interview_id for talk in talks])
    found: dict[str, Opinions] = {}
    for competency in sorted({row.competency for row in rows}):
        mine = [row for row in rows if row.competency == competency]
        counts = Counter(row.verdict for row in mine)
        strict, right, lenient = (counts[verdict] for verdict in VERDICTS)
        found[competency] = Opinions(strict, right, lenient, len({row.member_id for row in mine}))
    return found
