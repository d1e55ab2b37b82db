"""What may run live, what is seen of it, and by whom: every question is put to the database anew.

A live view is a page that is read once a second: each reading is a transaction of the watcher's own, so that rights,
organisation units, consents and policy count as they are now, on any number of processes. The candidate's side looks
once a second whether somebody watches; only then does it write what is to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.schemas import words
from duilian.customization.service import questions_of
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.infra.fields import sealed_values
from duilian.infra.ids import new_id
from duilian.platform.live.errors import LiveNotAllowed
from duilian.platform.live.models import LiveState, LiveWatcher
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import Status
from duilian.tenants.policy import Feature
from duilian.tenants.policy_store import current_policy

FRESH = timedelta(seconds=6)  # without a sign a watcher has gone, and a state is old
KEPT_CHARACTERS = 1200  # of what was said, for a watcher


@dataclass(frozen=True)
class Allowed:
    """captions: words may be recognised and shown; view: interviewers may watch."""

    captions: bool
    view: bool


async def allowed(session: TenantSession, interview: Interview) -> Allowed:
    """By the policy stamped on the interview (that is what the candidate was told), by the tenant's present one where
    that is stricter, and by the candidate's consents as they stand now.
    """
    stamped, present = await policy_of(session, interview), await current_policy(session)
    decided = await consents.decisions_of(session, interview, stamped)

    def may(feature: Feature) -> bool:
        return stamped.may(feature, decided) and present.may(feature, decided)

    recorded = stamped.may(Feature.AUDIO_RECORDING, decided)
    heard = recorded and stamped.may(Feature.SPEECH_SCORING, decided)
    return Allowed(captions=heard and may(Feature.CAPTIONS), view=recorded and may(Feature.LIVE_VIEW))


@dataclass(frozen=True)
class Moment:
    """What the candidate's side has to show now. picture: JPEG, base64; its number grows with each."""

    question: str
    captions: str
    stable: str
    tail: str
    picture: str | None
    picture_number: int


async def watchers(session: TenantSession, interview_id: UUID) -> int:
    query = select(func.count()).where(
        LiveWatcher.interview_id == interview_id, LiveWatcher.seen_at > now() - FRESH
    )
    return await session.scalar(query) or 0


async def show(session: TenantSession, interview_id: UUID, moment: Moment) -> None:
    """Write the moment in the place of the one before."""
    known = await session.scalar(select(LiveState.id).where(LiveState.interview_id == interview_id))
    row_id = known or new_id()
    said = {"stable": moment.stable[-KEPT_CHARACTERS:], "tail": moment.tail[-KEPT_CHARACTERS:]}
    values = {
        "question_key": moment.question,
        "captions": moment.captions,
        "picture_number": moment.picture_number,
        "updated_at": now(),
        **sealed_values(session.sync_session, LiveState, row_id, said=said, picture=moment.picture),
    }
    row = {"tenant_id": session.tenant_id, "id": row_id, "interview_id": interview_id} | values
    # A twin that was written meanwhile has another id, under which its fields are sealed: it stays for this second.
    await session.execute(
        insert(LiveState)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["tenant_id", "interview_id"], set_=values, where=LiveState.id == row_id
        )
    )


async def clear(session: TenantSession, interview_id: UUID) -> None:
    """Nothing is to be seen any more."""
    await session.execute(delete(LiveState).where(LiveState.interview_id == interview_id))


async def forget_stale(session: TenantSession) -> int:
    """Rows that a process which died left behind; with the daily run."""
    old = now() - timedelta(hours=1)
    gone = await session.execute(delete(LiveState).where(LiveState.updated_at < old).returning(LiveState.id))
    await session.execute(delete(LiveWatcher).where(LiveWatcher.seen_at < old))
    return len(gone.all())


async def enter(session: TenantSession, interview_id: UUID) -> Interview:
    """Somebody begins to watch; the audit log says so. Raises NotFound, LiveNotAllowed."""
    interview = await _visible(session, interview_id)
    audit.record(session, "interview.watched", "interview", interview_id)
    return interview


async def _visible(session: TenantSession, interview_id: UUID) -> Interview:
    interview = await session.get(Interview, (session.tenant_id, interview_id))
    if interview is None or interview.dry_run or interview.status == Status.ERASED:
        raise NotFound
    if not (await allowed(session, interview)).view:
        raise LiveNotAllowed
    return interview


async def look(session: TenantSession, interview_id: UUID, locale: str, seen_picture: int) -> dict[str, Any]:
    """What a watcher sees now; the picture only where it is newer than the one seen. Raises NotFound, LiveNotAllowed."""
    interview = await _visible(session, interview_id)
    await _stay(session, interview_id)
    query = select(LiveState).where(
        LiveState.interview_id == interview_id, LiveState.updated_at > now() - FRESH
    )
    state = await session.scalar(query)
    questions = await questions_of(session, interview.set_id)
    answers = await answers_of(session, interview)
    return {
        "status": interview.status,
        "questions": [
            {
                "key": answer.question_key,
                "position": answer.position,
                "state": answer.state,
                "text": words(question.text, locale)
                if (question := questions.question(answer.question_key))
                else "",
            }
            for answer in answers
        ],
        "now": _now(state, seen_picture) if state is not None else None,
    }


def _now(state: LiveState, seen_picture: int) -> dict[str, Any]:
    return {
        "question": state.question_key,
        "captions": state.captions,
        "said": state.said,
        "picture": state.picture if state.picture_number != seen_picture else None,
        "picture_number": state.picture_number,
        "at": state.updated_at.isoformat(),
    }


async def _stay(session: TenantSession, interview_id: UUID) -> None:
    values = {"seen_at": now()}
    row = {
        "tenant_id": session.tenant_id,
        "id": new_id(),
        "interview_id": interview_id,
        "actor": session.access.actor,
        "since": now(),
    } | values
    await session.execute(
        insert(LiveWatcher)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "interview_id", "actor"], set_=values)
    )


async def leave(session: TenantSession, interview_id: UUID) -> None:
    await session.execute(
        delete(LiveWatcher).where(
            LiveWatcher.interview_id == interview_id, LiveWatcher.actor == session.access.actor
        )
    )
