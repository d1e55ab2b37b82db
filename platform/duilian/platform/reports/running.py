"""Scores so far, while an interview runs: the report's own reading and pooling, over the answers read up to now.

Provisional by nature: later answers move them, and competencies nobody has asked for yet have none. There is no total.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from duilian.customization.schemas import Competency, words
from duilian.customization.service import questions_of
from duilian.infra.database import TenantSession
from duilian.platform.reports.documents import RunningCompetency, RunningDocument
from duilian.platform.reports.found import Permitted, as_read, found, permitted
from duilian.platform.scoring import refusals
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.pooling import ReadAnswer, pool
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import SETTLED, Status
from duilian.tenants.policy_store import current_policy


class RunningScores:
    """One watcher's. Looked at every second, computed again only where an answer, a decision or a policy has changed."""

    def __init__(self) -> None:
        self._known: tuple[object, RunningDocument] | None = None

    async def look(self, session: TenantSession, interview_id: UUID, locale: str) -> RunningDocument:
        """Words in `locale`. The session's access decides who may ask; the right is the report's."""
        interview = await session.get_one(Interview, (session.tenant_id, interview_id))
        may = await _permitted(session, interview)
        answers = await answers_of(session, interview)
        read = select(Analysis.answer_id, Analysis.created_at).where(
            Analysis.answer_id.in_([a.id for a in answers])
        )
        times = dict((await session.execute(read)).tuples().all())
        stands = [(a.question_key, a.state, a.answered_at, times.get(a.id)) for a in answers]
        key = (interview.status, locale, may, stands)
        if self._known is None or self._known[0] != key:
            self._known = key, await _document(session, interview, answers, may, locale)
        return self._known[1]


async def _permitted(session: TenantSession, interview: Interview) -> Permitted:
    """By the policy stamped on the interview, and the tenant's present one where that is stricter."""
    stamped, present = await policy_of(session, interview), await current_policy(session)
    decided = await consents.decisions_of(session, interview, stamped)
    both = [permitted(policy, decided) for policy in (stamped, present)]
    return next((may for may in both if not may.scores), both[0])


async def _document(
    session: TenantSession, interview: Interview, answers: list[Answer], may: Permitted, locale: str
) -> RunningDocument:
    settled = [answer for answer in answers if answer.state in SETTLED]
    told: RunningDocument = {
        "state": "running",
        "reason": None,
        "provisional": True,
        "answers_read": len(settled),
        "answers": len(answers),
        "competencies": [],
    }
    if interview.status == Status.HUMAN_ROUTE:
        told["state"] = "human_route"
        return told
    if may.refusal is not None:
        told["state"], told["reason"] = "not_allowed", refusals.sentence(may.refusal, locale)
        return told
    questions = await questions_of(session, interview.set_id)
    query = select(Analysis).where(Analysis.answer_id.in_([a.id for a in settled]))
    analyses = {row.answer_id: row for row in await session.scalars(query)}
    read = [as_read(questions, a, found(interview, a, analyses.get(a.id), may)) for a in settled]
    asked = [key for question in questions.questions for key in question.competencies]
    told["competencies"] = [
        _competency(c, read, asked.count(c.key), interview.locale, locale) for c in questions.competencies
    ]
    return told


def _competency(
    competency: Competency, read: list[ReadAnswer], asked: int, spoken: str, locale: str
) -> RunningCompetency:
    """asked: questions of the whole interview that ask for it. spoken, locale: of the interview, of the reader."""
    score = pool(competency, read, spoken)
    sentences = [refusals.sentence(reason, locale) for reason in score.reasons]
    return {
        "key": competency.key,
        "name": words(competency.name, locale),
        "outcome": score.outcome if score.answers_asked else "not_yet",
        "level": score.level,
        "level_label": words(competency.levels[score.level - 1].label, locale) if score.level else None,
        "score": score.score,
        "standard_error": score.standard_error,
        "answers_used": score.answers_used,
        "answers_read": score.answers_asked,
        "answers_asked": asked,
        "reasons": list(dict.fromkeys(sentences)),
    }
