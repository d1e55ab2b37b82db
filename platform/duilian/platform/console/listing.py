"""The table of interviews: filters from the address bar, counts by status, one query a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.decisions.models import Decision
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.models import Report
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.states import Status

PAGE = 25
# What a recruiter sees: an invitation that was never opened has no interview row yet.
INVITED, RUNNING, PROCESSING, REVIEW, DECIDED, PERSON, EXPIRED = (
    "invited", "in_progress", "submitted", "to_review", "decided", "human_route", "expired",
)  # fmt: skip
SHOWN = (REVIEW, PERSON, PROCESSING, RUNNING, INVITED, DECIDED, EXPIRED)


@dataclass(frozen=True)
class Filters:
    """status: one of SHOWN or ""; q: part of a name or an address; set_key: a question set; page from 1."""

    status: str = ""
    q: str = ""
    set_key: str = ""
    page: int = 1

    @property
    def active(self) -> bool:
        return bool(self.status or self.q or self.set_key)


@dataclass(frozen=True)
class Row:
    invitation_id: UUID
    interview_id: UUID | None
    name: str
    email: str
    set_key: str
    status: str
    invited_at: datetime
    deadline: datetime
    submitted_at: datetime | None
    total: dict[str, Any] | None
    flags: int
    decision: str | None


# The newest revision of each report.
_REPORT = aliased(
    Report,
    select(Report)
    .distinct(Report.interview_id)
    .order_by(Report.interview_id, Report.revision.desc())
    .subquery(),
)
_FLAGS = func.coalesce(func.jsonb_array_length(_REPORT.content["integrity"]), 0)
_NO_TOTAL = _REPORT.content["total"]["score"].astext.is_(None)


def _query() -> Select[Any]:
    decision = aliased(Decision)
    newest = (
        select(decision.outcome)
        .where(decision.interview_id == Interview.id)
        .order_by(decision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Invitation,
            Candidate,
            Interview,
            _REPORT.content["total"].label("total"),
            _FLAGS.label("flags"),
            newest.label("decision"),
        )
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .outerjoin(Interview, Interview.invitation_id == Invitation.id)
        .outerjoin(_REPORT, _REPORT.interview_id == Interview.id)
    )


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.q:
        like = f"%{filters.q.strip()}%"
        query = query.where(or_(Candidate.name.ilike(like), Candidate.email.ilike(like)))
    if filters.set_key:
        query = query.where(Invitation.set_key == filters.set_key)
    return query.where(_condition(filters.status)) if filters.status else query


def _condition(status: str) -> Any:  # Any: SQLAlchemy's boolean clauses have no common public type
    decided = select(Decision.id).where(Decision.interview_id == Interview.id).exists()
    unopened = or_(Interview.id.is_(None), Interview.status.in_([Status.INVITED, Status.CONSENTED]))
    late = Invitation.deadline < now()
    return {
        INVITED: and_(unopened, ~late),
        RUNNING: and_(Interview.status == Status.IN_PROGRESS, ~late),
        PROCESSING: Interview.status == Status.SUBMITTED,
        REVIEW: and_(Interview.status == Status.REPORTED, ~decided),
        DECIDED: decided,
        PERSON: and_(Interview.status == Status.HUMAN_ROUTE, ~decided),
        EXPIRED: or_(
            Interview.status == Status.EXPIRED,
            and_(late, or_(unopened, Interview.status == Status.IN_PROGRESS)),
        ),
    }[status]


async def interviews(session: TenantSession, filters: Filters) -> tuple[list[Row], bool]:
    """A page of rows, those with integrity facts first among the reports, and whether there are more."""
    query = _filtered(_query(), filters)
    order = [func.coalesce(Interview.submitted_at, Invitation.created_at).desc(), Invitation.id]
    if filters.status == REVIEW:  # what a person should look at first: no total, then most facts
        order = [_NO_TOTAL.desc(), _FLAGS.desc(), *order]
    rows = await session.execute(query.order_by(*order).offset((filters.page - 1) * PAGE).limit(PAGE + 1))
    found = [_row(*row) for row in rows]
    return found[:PAGE], len(found) > PAGE


async def counts(session: TenantSession) -> dict[str, int]:
    """Interviews by shown status, in one statement."""
    base = (
        select(*[func.count().filter(_condition(status)).label(status) for status in SHOWN])
        .select_from(Invitation)
        .outerjoin(Interview, Interview.invitation_id == Invitation.id)
    )
    row = (await session.execute(base)).one()
    return {status: getattr(row, status) for status in SHOWN}


def _row(
    invitation: Invitation,
    candidate: Candidate,
    interview: Interview | None,
    total: dict[str, Any] | None,
    flags: int,
    decision: str | None,
) -> Row:
    return Row(
        invitation_id=invitation.id,
        interview_id=interview.id if interview else None,
        name=candidate.name,
        email=candidate.email,
        set_key=invitation.set_key,
        status=shown(invitation, interview, decision),
        invited_at=invitation.created_at,
        deadline=invitation.deadline,
        submitted_at=interview.submitted_at if interview else None,
        total=total,
        flags=flags,
        decision=decision,
    )


def shown(invitation: Invitation, interview: Interview | None, decision: str | None) -> str:
    """The status as staff read it; agrees with `_condition`."""
    if decision:
        return DECIDED
    status = Status(interview.status) if interview else Status.INVITED
    late = invitation.deadline < now()
    if late and status in (Status.INVITED, Status.CONSENTED, Status.IN_PROGRESS):
        return EXPIRED
    return {
        Status.INVITED: INVITED,
        Status.CONSENTED: INVITED,
        Status.IN_PROGRESS: RUNNING,
        Status.SUBMITTED: PROCESSING,
        Status.REPORTED: REVIEW,
        Status.HUMAN_ROUTE: PERSON,
        Status.EXPIRED: EXPIRED,
    }[status]
