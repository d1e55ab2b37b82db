"""The console's page of interviews as FastAPI, uvicorn and SQLAlchemy write it by the book: the peer of `peer_page.py`.

The same questions to the same rows, the same template with the same words and formats, the same headers. It has no
tenant's transaction, no policies and no sealed names: every statement names its tenant, names lie in the clear. Jinja,
words and statements are used as their documentation shows them: built and looked up where they are needed.
"""

import argparse
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Integer, and_, cast, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased

from duilian.customization.models import PublishedSet
from duilian.platform.console import listing
from duilian.platform.decisions.models import Decision
from duilian.platform.media.models import Take
from duilian.platform.privacy.models import Erasure, LegalHold
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.counterfactual import LARGE, Counterfactual
from duilian.platform.reports.models import Report
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import Status
from duilian.platform.web import formats, pages, words
from duilian.platform.web.headers import HEADERS
from duilian.tenants.models import Grant, Member, OrgUnit, StaffSession, Tenant
from duilian.tenants.policy_store import PolicyVersion, policy_of_tenant
from duilian.tenants.rights import ROLES, Right

PAGE = listing.PAGE
FOLDERS = [pages.PLATFORM / part / "templates" for part in ("web", "portal", "console")]
templates = Environment(
    loader=FileSystemLoader(FOLDERS),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
shared: dict[str, Any] = {"asset": pages.asset, "clock": formats.clock, "LOCALES": words.LOCALES}
templates.globals.update(shared)


@dataclass(frozen=True)
class Signed:
    """Who is signed in, as the template wants it."""

    tenant_id: UUID
    member_id: UUID
    name: str
    locale: str
    rights: frozenset[Right]
    csrf: str


def application(url: str) -> FastAPI:
    engine = create_async_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=True)
    maker = async_sessionmaker(engine, expire_on_commit=False)

    async def session() -> AsyncIterator[AsyncSession]:
        async with maker() as opened, opened.begin():
            yield opened

    async def member(request: Request, db: Annotated[AsyncSession, Depends(session)]) -> Signed:
        tenant, _, secret = request.cookies.get("duilian_session", "").partition(".")
        tenant_id = UUID(hex=tenant)
        query = (
            select(StaffSession, Member.id, Member.locale, literal_column("members.name").label("name"))
            .join(
                Member, and_(Member.id == StaffSession.member_id, Member.tenant_id == StaffSession.tenant_id)
            )
            .where(
                StaffSession.tenant_id == tenant_id,
                StaffSession.secret_hash == sha256(secret.encode()).hexdigest(),
                StaffSession.expires_at > datetime.now(UTC),
            )
        )
        row = (await db.execute(query)).first()
        if row is None:
            raise HTTPException(401)
        granted = select(Grant.role).join(OrgUnit, OrgUnit.id == Grant.unit_id)
        roles = await db.scalars(granted.where(Grant.tenant_id == tenant_id, Grant.member_id == row.id))
        rights = frozenset(right for role in roles for right in ROLES.get(role, ()))
        csrf = hmac.new(secret.encode(), b"duilian-csrf", sha256).hexdigest()
        return Signed(tenant_id, row.id, row.name, row.locale, rights, csrf)

    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/console/interviews", response_class=HTMLResponse)
    async def interviews(
        request: Request,
        signed: Annotated[Signed, Depends(member)],
        db: Annotated[AsyncSession, Depends(session)],
        status: str = "",
        q: str = "",
        page: Annotated[int, Query(ge=1)] = 1,
    ) -> HTMLResponse:
        tenant = await db.get_one(Tenant, signed.tenant_id)
        rows = await _rows(db, signed.tenant_id, page)
        context: dict[str, Any] = {
            "actor": signed, "tenant": tenant, "path": request.url.path, "flash": None,
            "rights": {right.name: right in signed.rights for right in Right},
            "t": partial(words.t, signed.locale), "locale": signed.locale,
            "script_words": pages.script_json(words.section(signed.locale, "script.")),
            "rows": rows[:PAGE], "more": len(rows) > PAGE, "shown": listing.SHOWN,
            "filters": listing.Filters(status, q, page=page), "counts": await _counts(db, signed.tenant_id),
            "sets": await _sets(db, signed.tenant_id), "units": await _units(db, signed.tenant_id),
            "clocks": await _clocks(db, tenant, rows), "now": datetime.now(UTC),
            **formats.for_reader(signed.locale, tenant.time_zone),
        }  # fmt: skip
        body = templates.get_template("interviews.html").render(**context)
        return HTMLResponse(
            body, headers=HEADERS | {"Cache-Control": "no-store", "Content-Language": signed.locale}
        )

    return app


async def _rows(db: AsyncSession, tenant_id: UUID, page: int) -> list[listing.Row]:
    decision, report = aliased(Decision), _newest_report(tenant_id)
    newest = (
        select(decision.outcome)
        .where(decision.tenant_id == tenant_id, decision.interview_id == Interview.id)
        .order_by(decision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    probed = (
        select(func.count())
        .select_from(Counterfactual)
        .where(
            Counterfactual.tenant_id == tenant_id,
            Counterfactual.report_id == report.id,
            Counterfactual.largest > LARGE,
        )
        .scalar_subquery()
    )
    query = (
        select(
            Invitation, Interview, literal_column("candidates.name").label("name"),
            literal_column("candidates.email").label("email"), report.total,
            (func.coalesce(report.flags, 0) + probed).label("flags"), newest.label("decision"),
        )
        .join(Candidate, and_(Candidate.tenant_id == tenant_id, Candidate.id == Invitation.candidate_id))
        .outerjoin(Interview, and_(Interview.tenant_id == tenant_id, Interview.invitation_id == Invitation.id))
        .outerjoin(report, and_(report.tenant_id == tenant_id, report.interview_id == Interview.id))
        .where(Invitation.tenant_id == tenant_id, Invitation.dry_run.is_(False))
        .order_by(func.coalesce(Interview.submitted_at, Invitation.created_at).desc(), Invitation.id)
        .offset((page - 1) * PAGE)
        .limit(PAGE + 1)
    )  # fmt: skip
    return [
        listing.Row(
            invitation_id=row.Invitation.id, interview_id=row.Interview.id if row.Interview else None, name=row.name,
            email=row.email, set_key=row.Invitation.set_key,
            status=listing.shown(row.Interview and row.Interview.status, row.Invitation.deadline, row.decision),
            invited_at=row.Invitation.created_at,
            deadline=row.Invitation.deadline,
            submitted_at=row.Interview.submitted_at if row.Interview else None, total=row.total, flags=row.flags,
            decision=row.decision,
        )
        for row in await db.execute(query)
    ]  # fmt: skip


async def _clocks(db: AsyncSession, tenant: Tenant, rows: list[listing.Row]) -> dict[UUID, Any]:
    """When parts of the interviews that have ended go. None of them has, so nothing is made of what is found."""
    kept = policy_of_tenant(tenant).retention
    ended = func.coalesce(Interview.submitted_at, Invitation.closed_at, Interview.deadline)
    asked = select(func.min(Erasure.due_at)).where(
        Erasure.tenant_id == tenant.id, Erasure.candidate_id == Invitation.candidate_id,
        or_(Erasure.interview_id == Interview.id, Erasure.interview_id.is_(None)), Erasure.finished_at.is_(None),
    )  # fmt: skip
    taken = select(Take.id).join(Answer, and_(Answer.tenant_id == tenant.id, Answer.id == Take.answer_id))

    def due(part: str, otherwise: int) -> Any:
        days = cast(PolicyVersion.content["retention"][part]["days"].astext, Integer)
        return ended + func.make_interval(0, 0, 0, func.coalesce(days, otherwise))

    query = (
        select(
            Interview, LegalHold, ended, taken.where(Answer.interview_id == Interview.id).exists(),
            due("media", kept.media.days), due("records", kept.records.days), asked.scalar_subquery(),
        )
        .join(Invitation, and_(Invitation.tenant_id == tenant.id, Invitation.id == Interview.invitation_id))
        .join(Candidate, and_(Candidate.tenant_id == tenant.id, Candidate.id == Invitation.candidate_id))
        .outerjoin(
            PolicyVersion, and_(PolicyVersion.tenant_id == tenant.id, PolicyVersion.version == Interview.policy_version)
        )
        .outerjoin(
            LegalHold,
            and_(LegalHold.tenant_id == tenant.id, LegalHold.interview_id == Interview.id, LegalHold.lifted_at.is_(None)),
        )
        .where(Interview.tenant_id == tenant.id, Interview.id.in_([row.interview_id for row in rows]))
        .where(Interview.erased_at.is_(None), ended <= datetime.now(UTC))
    )  # fmt: skip
    assert not (await db.execute(query)).all()
    return {}


def _newest_report(tenant_id: UUID) -> Any:
    """Any: an alias of the mapped class."""
    query = select(Report).where(Report.tenant_id == tenant_id).distinct(Report.interview_id)
    return aliased(Report, query.order_by(Report.interview_id, Report.revision.desc()).subquery())


async def _counts(db: AsyncSession, tenant_id: UUID) -> dict[str, int]:
    decided = (
        select(Decision.id)
        .where(Decision.tenant_id == tenant_id, Decision.interview_id == Interview.id)
        .exists()
    )
    unopened = or_(Interview.id.is_(None), Interview.status.in_([Status.INVITED, Status.CONSENTED]))
    late = Invitation.deadline < datetime.now(UTC)
    conditions = {
        listing.INVITED: and_(unopened, ~late),
        listing.RUNNING: and_(Interview.status == Status.IN_PROGRESS, ~late),
        listing.PROCESSING: Interview.status == Status.SUBMITTED,
        listing.REVIEW: and_(Interview.status == Status.REPORTED, ~decided),
        listing.DECIDED: decided,
        listing.ERASED: Interview.status == Status.ERASED,
        listing.PERSON: and_(Interview.status == Status.HUMAN_ROUTE, ~decided),
        listing.EXPIRED: or_(
            Interview.status == Status.EXPIRED,
            and_(late, or_(unopened, Interview.status == Status.IN_PROGRESS)),
        ),
    }
    query = (
        select(*[func.count().filter(conditions[status]).label(status) for status in listing.SHOWN])
        .select_from(Invitation)
        .outerjoin(
            Interview, and_(Interview.tenant_id == tenant_id, Interview.invitation_id == Invitation.id)
        )
        .where(Invitation.tenant_id == tenant_id, Invitation.dry_run.is_(False))
    )
    return dict((await db.execute(query)).one()._mapping)


async def _sets(db: AsyncSession, tenant_id: UUID) -> list[tuple[str, dict[str, str]]]:
    query = select(PublishedSet.key, PublishedSet.content["title"]).distinct(PublishedSet.key)
    query = query.where(PublishedSet.tenant_id == tenant_id)
    rows = await db.execute(query.order_by(PublishedSet.key, PublishedSet.version.desc()))
    return [(key, title) for key, title in rows]


async def _units(db: AsyncSession, tenant_id: UUID) -> list[OrgUnit]:
    rows = list(
        await db.scalars(select(OrgUnit).where(OrgUnit.tenant_id == tenant_id).order_by(OrgUnit.path))
    )
    return rows if len(rows) > 1 else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="SQLAlchemy address of the copied tables")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(application(options.url), port=options.port, log_level="warning", access_log=False)
