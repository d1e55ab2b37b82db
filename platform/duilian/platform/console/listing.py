"""The table of interviews: filters from the address bar, counts by status, one query a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Float, Integer, Select, and_, bindparam, cast, func, or_, select
from sqlalchemy.orm import aliased

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.fields import FieldCipher, cipher_of, normal
from duilian.platform.decisions.models import Decision
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.counterfactual import LARGE, Counterfactual
from duilian.platform.reports.models import Report
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.states import Status
from duilian.tenants.organisation import units_below

PAGE = 25
# What a recruiter sees: an invitation that was never opened has no interview row yet.
INVITED, RUNNING, PROCESSING, REVIEW, DECIDED, PERSON, EXPIRED, ERASED = (
    "invited", "in_progress", "submitted", "to_review", "decided", "human_route", "expired", "erased",
)  # fmt: skip
SHOWN = (REVIEW, PERSON, PROCESSING, RUNNING, INVITED, DECIDED, EXPIRED, ERASED)


@dataclass(frozen=True)
class Filters:
    """status: one of SHOWN or ""; q: part of a name or an address; set_key: a question set; unit: an organisation
    unit, with all below it; order: "gain" for what a human would mend most first; page from 1.
    """

    status: str = ""
    q: str = ""
    set_key: str = ""
    unit: str = ""
    page: int = 1
    order: str = ""

    @property
    def active(self) -> bool:
        return bool(self.status or self.q or self.set_key or self.unit)


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
# A probe that found a large change counts as one more fact to look at.
_PROBED = (
    select(func.count())
    .select_from(Counterfactual)
    .where(Counterfactual.report_id == _REPORT.id, Counterfactual.largest > LARGE)
    .scalar_subquery()
)
_FLAGS = func.coalesce(_REPORT.flags, 0) + _PROBED
_NO_TOTAL = _REPORT.total["score"].astext.is_(None)
_ERROR = cast(_REPORT.total["standard_error"].astext, Float)
GAIN = "gain"
MOST_FOUND = 2000  # people that a search by part of a name looks at


async def _people(session: TenantSession, q: str) -> list[UUID]:
    """Whose name or address holds `q`: found by their terms, then compared in the clear."""
    cipher, wanted = cipher_of(session.sync_session), normal(q)
    by_name = Candidate.name_terms.contains(cipher.terms("candidates.name", q))
    by_address = Candidate.email_terms.contains(cipher.terms("candidates.email", q))
    query = select(Candidate).where(or_(by_name, by_address)).order_by(Candidate.id.desc())
    rows = await session.scalars(query.limit(MOST_FOUND))
    return [row.id for row in rows if wanted in normal(row.name) or wanted in normal(row.email)]


# Rows are judged at one moment, which is a parameter: the statements are built once.
_MOMENT = bindparam("moment", type_=DateTime(timezone=True))
_DECIDED = select(Decision.id).where(Decision.interview_id == Interview.id).exists()
_UNOPENED = or_(Interview.id.is_(None), Interview.status.in_([Status.INVITED, Status.CONSENTED]))
_LATE = Invitation.deadline < _MOMENT
_CONDITIONS: dict[str, Any] = {  # Any: SQLAlchemy's boolean clauses have no common public type
    INVITED: and_(_UNOPENED, ~_LATE),
    RUNNING: and_(Interview.status == Status.IN_PROGRESS, ~_LATE),
    PROCESSING: Interview.status == Status.SUBMITTED,
    REVIEW: and_(Interview.status == Status.REPORTED, ~_DECIDED),
    DECIDED: and_(_DECIDED, Interview.status != Status.ERASED),
    PERSON: and_(Interview.status == Status.HUMAN_ROUTE, ~_DECIDED),
    ERASED: Interview.status == Status.ERASED,
    EXPIRED: or_(
        Interview.status == Status.EXPIRED,
        and_(_LATE, or_(_UNOPENED, Interview.status == Status.IN_PROGRESS)),
    ),
}
_COUNTS = (
    select(*[func.count().filter(_CONDITIONS[status]).label(status) for status in SHOWN])
    .select_from(Invitation)
    .outerjoin(Interview, Interview.invitation_id == Invitation.id)
    .where(Invitation.dry_run.is_(False))
)


def _newest_decision() -> Any:  # Any: SQLAlchemy's scalar subqueries have no common public type
    decision = aliased(Decision)
    query = select(decision.outcome).where(decision.interview_id == Interview.id)
    return query.order_by(decision.id.desc()).limit(1).scalar_subquery()


_ROWS = (
    select(
        Invitation.id.label("invitation_id"),
        Interview.id.label("interview_id"),
        Candidate.id.label("person_id"),
        Candidate.name_sealed,
        Candidate.email_sealed,
        Invitation.set_key,
        Interview.status,
        Invitation.created_at.label("invited_at"),
        Invitation.deadline,
        Interview.submitted_at,
        _REPORT.total,
        _FLAGS.label("flags"),
        _newest_decision().label("decision"),
    )
    .join(Candidate, Candidate.id == Invitation.candidate_id)
    .outerjoin(Interview, Interview.invitation_id == Invitation.id)
    .outerjoin(_REPORT, _REPORT.interview_id == Interview.id)
    .where(Invitation.dry_run.is_(False))
    .offset(bindparam("skipped", type_=Integer))
    .limit(PAGE + 1)
)


@cache
def _ordered(status: str, order: str) -> Select[Any]:
    """The table's statement, built once for each status and order."""
    by = [func.coalesce(Interview.submitted_at, Invitation.created_at).desc(), Invitation.id]
    if order == GAIN:  # the expected square of the error: of the total's, its standard error
        by = [_NO_TOTAL.desc(), _ERROR.desc().nulls_last(), *by]
    elif status == REVIEW:  # what a person should look at first: no total, then most facts
        by = [_NO_TOTAL.desc(), _FLAGS.desc(), *by]
    query = _ROWS.order_by(*by)
    return query.where(_CONDITIONS[status]) if status else query


async def _filtered(session: TenantSession, filters: Filters) -> Select[Any]:
    query = _ordered(filters.status, filters.order)
    if filters.q.strip():
        query = query.where(Candidate.id.in_(await _people(session, filters.q)))
    if filters.unit:
        query = query.where(Invitation.unit_id.in_(await units_below(session, filters.unit)))
    return query.where(Invitation.set_key == filters.set_key) if filters.set_key else query


async def interviews(session: TenantSession, filters: Filters) -> tuple[list[Row], bool]:
    """A page of rows, those with integrity facts first among the reports, and whether there are more."""
    asked = {"skipped": (filters.page - 1) * PAGE, "moment": now()}
    rows = await session.execute(await _filtered(session, filters), asked)
    cipher = cipher_of(session.sync_session)
    found = [_row(cipher, *row) for row in rows]
    return found[:PAGE], len(found) > PAGE


async def counts(session: TenantSession) -> dict[str, int]:
    """Interviews by shown status, in one statement."""
    row = (await session.execute(_COUNTS, {"moment": now()})).one()
    return {status: getattr(row, status) for status in SHOWN}


def _row(
    cipher: FieldCipher,
    invitation_id: UUID,
    interview_id: UUID | None,
    person_id: UUID,
    name_sealed: bytes,
    email_sealed: bytes,
    set_key: str,
    status: str | None,
    invited_at: datetime,
    deadline: datetime,
    submitted_at: datetime | None,
    total: dict[str, Any] | None,
    flags: int,
    decision: str | None,
) -> Row:
    return Row(
        invitation_id=invitation_id,
        interview_id=interview_id,
        name=cipher.open("candidates.name", person_id, name_sealed),
        email=cipher.open("candidates.email", person_id, email_sealed),
        set_key=set_key,
        status=shown(status, deadline, decision),
        invited_at=invited_at,
        deadline=deadline,
        submitted_at=submitted_at,
        total=total,
        flags=flags,
        decision=decision,
    )


def shown(of_interview: str | None, deadline: datetime, decision: str | None) -> str:
    """The status as staff read it; agrees with `_CONDITIONS`. of_interview: None where there is none yet."""
    status = Status(of_interview) if of_interview else Status.INVITED
    if status == Status.ERASED:
        return ERASED
    if decision:
        return DECIDED
    late = deadline < now()
    if late and status in (Status.INVITED, Status.CONSENTED, Status.IN_PROGRESS):
        return EXPIRED
    return _SHOWN_AS[status]


_SHOWN_AS = {
    Status.INVITED: INVITED,
    Status.CONSENTED: INVITED,
    Status.IN_PROGRESS: RUNNING,
    Status.SUBMITTED: PROCESSING,
    Status.REPORTED: REVIEW,
    Status.HUMAN_ROUTE: PERSON,
    Status.EXPIRED: EXPIRED,
}
