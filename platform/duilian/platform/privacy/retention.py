"""Retention (保存期限): when what goes, by the policy stamped on each interview; media and records separately.

The clock starts when the interview ended: handed in, closed, or past its deadline. What is due becomes an erasure
like any other; a legal hold stops its interview's clocks. Running it again, or after a kill, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Integer, Select, bindparam, cast, func, or_, select

from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.platform.live.state import forget_stale
from duilian.platform.media.models import Take
from duilian.platform.privacy import erasing
from duilian.platform.privacy.models import Erasure, LegalHold
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.sessions.models import Answer, Interview
from duilian.tenants.policy import Policy
from duilian.tenants.policy_store import PolicyVersion, current_policy

RETENTION = "privacy.retention"
SOON = timedelta(days=30)
BATCH = 500
STUCK = timedelta(hours=1)  # an erasure that is not done by then is asked for again


@dataclass(frozen=True)
class Clocks:
    """When the parts of an interview go; None where they went or never were. held: the hold that stops the clocks."""

    interview_id: UUID
    candidate_id: UUID
    candidate: Candidate
    status: str
    ended_at: datetime
    media_at: datetime | None
    records_at: datetime | None
    asked_at: datetime | None  # by when an erasure that was asked for must be done
    held: LegalHold | None

    @property
    def next_at(self) -> datetime | None:
        return min((at for at in (self.media_at, self.records_at, self.asked_at) if at), default=None)

    @property
    def is_soon(self) -> bool:
        return self.next_at is not None and self.next_at <= now() + SOON


_ENDED = func.coalesce(Interview.submitted_at, Invitation.closed_at, Interview.deadline)
_ASKED = (
    select(func.min(Erasure.due_at))
    .where(
        Erasure.candidate_id == Invitation.candidate_id,
        or_(Erasure.interview_id == Interview.id, Erasure.interview_id.is_(None)),
        Erasure.finished_at.is_(None),
    )
    .scalar_subquery()
)


def _due(part: str) -> ColumnElement[datetime]:
    days = cast(PolicyVersion.content["retention"][part]["days"].astext, Integer)
    otherwise = bindparam(f"{part}_days", type_=Integer)
    return _ENDED + func.make_interval(0, 0, 0, func.coalesce(days, otherwise))


_media_at, _records_at = _due("media"), _due("records")
_HAS_MEDIA = (
    select(Take.id).join(Answer, Answer.id == Take.answer_id).where(Answer.interview_id == Interview.id)
)
# One row per interview that has ended: interview, candidate, its moments and its hold. What `_under` gives goes with it.
_CLOCKS = (
    select(
        Interview,
        Candidate,
        LegalHold,
        _ENDED.label("ended_at"),
        func.nullif(_HAS_MEDIA.exists(), False).label("has_media"),
        _media_at.label("media_at"),
        _records_at.label("records_at"),
        _ASKED.label("asked_at"),
    )
    .join(Invitation, Invitation.id == Interview.invitation_id)
    .join(Candidate, Candidate.id == Invitation.candidate_id)
    .outerjoin(PolicyVersion, PolicyVersion.version == Interview.policy_version)
    .outerjoin(LegalHold, (LegalHold.interview_id == Interview.id) & LegalHold.lifted_at.is_(None))
    .where(Interview.erased_at.is_(None), _ENDED.op("<=")(bindparam("moment", type_=DateTime(timezone=True))))
)
_CLOCKS_BY_ID = _CLOCKS.where(Interview.id.in_(bindparam("interviews", expanding=True)))


def _under(policy: Policy) -> dict[str, Any]:
    """Days for interviews from before there were policies, and the moment that is looked at."""
    kept = policy.retention
    return {"media_days": kept.media.days, "records_days": kept.records.days, "moment": now()}


def _clocks(row: Any) -> Clocks:  # Any: a row of `_CLOCKS`
    interview, candidate, held = row[0], row[1], row[2]
    return Clocks(
        interview_id=interview.id,
        candidate_id=candidate.id,
        candidate=candidate,
        status=interview.status,
        ended_at=row.ended_at,
        media_at=row.media_at if row.has_media else None,
        records_at=row.records_at,
        asked_at=row.asked_at,
        held=held,
    )


async def clocks_of(session: TenantSession, interview_id: UUID) -> Clocks | None:
    """None while the interview runs, and once it is erased."""
    return (await clocks_by_id(session, [interview_id])).get(interview_id)


async def clocks_by_id(session: TenantSession, interview_ids: Sequence[UUID]) -> dict[UUID, Clocks]:
    """Those of the interviews that have ended and are not erased, in one statement."""
    asked = _under(await current_policy(session)) | {"interviews": interview_ids}
    found = [_clocks(row) for row in await session.execute(_CLOCKS_BY_ID, asked)]
    return {clocks.interview_id: clocks for clocks in found}


async def preview(
    session: TenantSession, until: datetime, page: int = 1, size: int = 50
) -> tuple[list[Clocks], bool]:
    """What goes until then, the next first, holds among it; and whether there is more."""
    query = _CLOCKS.where(func.least(_media_at, _records_at) <= until)
    ordered = (
        query.order_by(func.least(_media_at, _ASKED), Interview.id).offset((page - 1) * size).limit(size + 1)
    )
    asked = _under(await current_policy(session))
    found = [_clocks(row) for row in await session.execute(ordered, asked)]
    rows = [clocks for clocks in found[:size] if clocks.next_at and clocks.next_at <= until]
    return rows, len(found) > size


async def ask(session: TenantSession) -> list[Erasure]:
    """Turn what is due into erasures, and ask again for those that a kill or a hold left open."""
    policy, at = await current_policy(session), now()
    again = await _ask_again(session)
    gone = await _ask_for(session, policy, _CLOCKS.where(_records_at <= at), "records")
    playable = _CLOCKS.where(_media_at <= at, _records_at > at, Interview.media_erased_at.is_(None))
    bare = await _ask_for(session, policy, playable, "media")
    return [*again, *gone, *bare, *await _never_opened(session, policy)]


async def _ask_for(session: TenantSession, policy: Policy, query: Select[Any], scope: str) -> list[Erasure]:
    free = query.where(LegalHold.id.is_(None)).limit(BATCH)
    found = [_clocks(row) for row in await session.execute(free, _under(policy))]
    return [
        await erasing.request(session, c.candidate_id, c.interview_id, "retention", scope, days=1)
        for c in found
        if scope != "media" or c.media_at is not None
    ]


async def _never_opened(session: TenantSession, policy: Policy) -> list[Erasure]:
    """People whose invitations ran out long ago and who never came: only their names and addresses are left."""
    opened = select(Interview.id).where(Interview.invitation_id == Invitation.id)
    last = func.max(Invitation.deadline) + func.make_interval(0, 0, 0, policy.retention.records.days)
    query = (
        select(Candidate.id)
        .join(Invitation, Invitation.candidate_id == Candidate.id)
        .where(Candidate.erased_at.is_(None))
        .group_by(Candidate.tenant_id, Candidate.id)
        .having(last <= now(), ~func.bool_or(opened.exists()))
        .limit(BATCH)
    )
    ids = list(await session.scalars(query))
    return [await erasing.request(session, each, None, "retention", "records", days=1) for each in ids]


async def _ask_again(session: TenantSession) -> list[Erasure]:
    query = (
        select(Erasure)
        .where(Erasure.finished_at.is_(None), Erasure.requested_at < now() - STUCK)
        .limit(BATCH)
    )
    rows = list(await session.scalars(query))
    for row in rows:
        await erasing.carry_out_later(session, row)
    return rows


class Retention:
    """The task `privacy.retention`, once a day for each tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, tenant_id: UUID) -> None:
        async with self._database.begin(tenant_id) as session:
            await ask(session)
            await forget_stale(session)
