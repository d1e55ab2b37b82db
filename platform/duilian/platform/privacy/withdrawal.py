"""Withdrawing a consent (撤回同意), at any time: what runs stops, what was made of it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import delete, select

from duilian.customization.labels.models import Example
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.media.models import Recording
from duilian.platform.privacy import erasing, holds
from duilian.platform.privacy.errors import NotAsked
from duilian.platform.scoring import refusals
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import answers_of, report_if_settled
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.opening import Visit
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import AnswerState, Status

READ = frozenset({AnswerState.PROCESSED, AnswerState.FAILED})


async def withdraw(session: TenantSession, visit: Visit, purpose: str) -> bool:
    """False where it was not given any more. The visit holds the interview's lock. Raises NotAsked."""
    policy = await policy_of(session, visit.interview)
    if purpose not in policy.purposes:
        raise NotAsked(reason=purpose)
    decided = await consents.decisions_of(session, visit.interview, policy)
    if decided[purpose] is False:
        return False
    session.add(consents.record_of(visit.interview, policy, purpose, granted=False))
    await session.flush()
    actor = session.access.actor
    await events.append(session, "consent.withdrawn", visit.interview.id, actor, purpose=purpose)
    effect = _EFFECTS.get(purpose)
    if effect is not None and visit.interview.status != Status.ERASED:
        await effect(session, visit, policy.erasure.days)
    return True


async def _without_recording(session: TenantSession, visit: Visit, days: int) -> None:
    """Sound, picture, words and scores go; a person talks to the candidate instead."""
    interview = visit.interview
    row = await erasing.request(session, visit.candidate.id, interview.id, "withdrawal", "recording", days)
    if not await holds.standing(session, [interview.id]):
        await erasing.erase_rows(session, row, interview)
        answers = await answers_of(session, interview)
        await session.execute(delete(Recording).where(Recording.answer_id.in_([a.id for a in answers])))
    for answer in await answers_of(session, interview):
        if answer.state not in (AnswerState.PENDING, AnswerState.SKIPPED):
            answer.state = AnswerState.FAILED
            answer.failure = refusals.stored(refusals.RecordingWithdrawn())
    interview.status, interview.human_reason = Status.HUMAN_ROUTE, "recording withdrawn"
    visit.invitation.closed_at = visit.invitation.closed_at or now()
    await events.append(session, "interview.human_requested", interview.id, session.access.actor)


async def _without_scoring(session: TenantSession, visit: Visit, days: int) -> None:
    """Answers that were read become answers for a person; those under way find the refusal when they are done."""
    interview = visit.interview
    row = await erasing.request(session, visit.candidate.id, interview.id, "withdrawal", "scores", days)
    await erasing.erase_rows(session, row, interview)
    for answer in await answers_of(session, interview):
        if answer.state in READ:
            answer.state, answer.failure = AnswerState.FAILED, refusals.stored(refusals.ScoringRefused())
    await _report_anew(session, interview)


async def _without_looking(session: TenantSession, visit: Visit, days: int) -> None:
    """What was seen in pictures goes, from the facts and from the report; words and scores stay."""
    interview = visit.interview
    row = await erasing.request(session, visit.candidate.id, interview.id, "withdrawal", "face_check", days)
    await erasing.erase_rows(session, row, interview)
    await _report_anew(session, interview)


async def _without_training(session: TenantSession, visit: Visit, days: int) -> None:
    """Copies that models learn from go; where none was made there is nothing to ask for."""
    made = select(Example.id).where(Example.interview_id == visit.interview.id).limit(1)
    if await session.scalar(made) is not None:
        row = await erasing.request(
            session, visit.candidate.id, visit.interview.id, "withdrawal", "training", days
        )
        await erasing.erase_rows(session, row, visit.interview)


async def _report_anew(session: TenantSession, interview: Interview) -> None:
    if interview.status == Status.REPORTED:
        interview.status = Status.SUBMITTED
    await session.flush()
    await report_if_settled(session, interview)


_EFFECTS: dict[str, Callable[[TenantSession, Visit, int], Awaitable[None]]] = {
    "recording": _without_recording,
    "scoring": _without_scoring,
    "face_check": _without_looking,
    "gaze": _without_looking,
    "expression": _without_looking,
    "training": _without_training,
}
