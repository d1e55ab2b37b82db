"""The staff API (docs/api.md): inviting, reading interviews and reports, playing recordings."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Stream
from sqlalchemy import select

from duilian.customization.service import newest_set, newest_sets
from duilian.infra import audit, events
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.recruiting.letters import mail_invitation
from duilian.platform.recruiting.links import portal_url, token_of
from duilian.platform.recruiting.service import Person as Invitee
from duilian.platform.recruiting.service import invite
from duilian.platform.reports import pdf, service
from duilian.platform.reports.documents import ReportDocument
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.opening import open_interview
from duilian.platform.web.openapi import binary
from duilian.tenants.domains import base_of_links
from duilian.tenants.organisation import place_for
from duilian.tenants.rights import Right

AnyRequest = Request[Any, Any, Any]  # Any: the actor lies in the request's own state
READ, INVITE = [key_with(Right.INTERVIEWS_READ)], [key_with(Right.INVITATIONS_WRITE)]
CONTENT = [key_with(Right.CONTENT_READ)]


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """hours: until the deadline; None takes the setting. unit: where the person belongs; None is the highest in reach.
    mail: send the link to the person, where a mail server is configured."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;]{2,}$", max_length=200)]
    question_set: str
    locale: Literal["zh-CN", "en"] | None = None
    hours: Annotated[int, msgspec.Meta(ge=1, le=720)] | None = None
    unit: UUID | None = None
    mail: bool = True


class Invited(TypedDict):
    """url: the candidate's link; whoever has it is the candidate."""

    invitation: str
    interview: str
    url: str
    token: str
    tenant: str
    unit: str
    deadline: str
    mailed: bool


class InterviewSummary(TypedDict):
    id: str
    status: str
    locale: str
    unit: str
    deadline: str
    started_at: str | None
    submitted_at: str | None


class AnswerState(TypedDict):
    key: str
    position: int
    state: str


class InterviewDetail(InterviewSummary):
    answers: list[AnswerState]


class InterviewList(TypedDict):
    """next: the cursor of the following page, None on the last."""

    items: list[InterviewSummary]
    next: str | None


class SetSummary(TypedDict):
    key: str
    version: int
    title: dict[str, str]
    questions: list[str]
    sha256: str


class SetList(TypedDict):
    items: list[SetSummary]


class StaffApi(Controller):
    path = "/api/v1"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @post("/invitations", guards=INVITE)
    async def create_invitation(self, desk: ApiDesk, data: NewInvitation, settings: Settings) -> Invited:
        published = await newest_set(desk.session, data.question_set)
        locale, hours = data.locale or desk.tenant.locale, data.hours or settings.invitation_hours
        person = Invitee(data.name, data.email.lower())
        unit = await place_for(desk.session, desk.session.access.units, data.unit)
        invitation = await invite(desk.session, published, person, locale, hours, desk.actor.label, unit.id)
        interview = await open_interview(desk.session, invitation)
        await events.append(desk.session, "invitation.made", invitation.id, desk.actor.label)
        mailed = data.mail and bool(settings.smtp_url)
        if mailed:
            await mail_invitation(desk.session, settings, desk.tenant, invitation, person.name, person.email)
        token = token_of(desk.key, invitation.id)
        base = await base_of_links(desk.session, settings.public_url)
        return {
            "invitation": str(invitation.id),
            "interview": str(interview.id),
            "unit": str(unit.id),
            "url": portal_url(base, desk.tenant.slug, token),
            "token": token,
            "tenant": desk.tenant.slug,
            "deadline": invitation.deadline.isoformat(),
            "mailed": mailed,
        }

    @get("/interviews", guards=READ)
    async def interviews(
        self, desk: ApiDesk, after: UUID | None = None, limit: Annotated[int, Parameter(ge=1, le=100)] = 50
    ) -> InterviewList:
        """Oldest first; `next` is the cursor of the following page, None on the last."""
        query = select(Interview).where(Interview.dry_run.is_(False)).order_by(Interview.id).limit(limit + 1)
        rows = list(await desk.session.scalars(query.where(Interview.id > after) if after else query))
        items = [_summary(row) for row in rows[:limit]]
        return {"items": items, "next": items[-1]["id"] if len(rows) > limit else None}

    @get("/interviews/{interview_id:uuid}", guards=READ)
    async def interview(self, desk: ApiDesk, interview_id: UUID) -> InterviewDetail:
        person = await service.person_of(desk.session, interview_id)
        answers = await answers_of(desk.session, person.interview)
        states: list[AnswerState] = [
            {"key": a.question_key, "position": a.position, "state": a.state} for a in answers
        ]
        return {**_summary(person.interview), "answers": states}

    @get("/interviews/{interview_id:uuid}/report", guards=READ)
    async def report(self, desk: ApiDesk, interview_id: UUID) -> ReportDocument:
        person = await service.person_of(desk.session, interview_id)
        found = await service.report_of(desk.session, person.interview)
        audit.record(desk.session, "report.exported", "interview", interview_id, after={"form": "json"})
        return service.document(person, found)

    @get(
        "/interviews/{interview_id:uuid}/report.pdf",
        guards=READ,
        responses=binary("The report as PDF.", "application/pdf"),
    )
    async def report_pdf(self, desk: ApiDesk, interview_id: UUID) -> Response[bytes]:
        person = await service.person_of(desk.session, interview_id)
        found = await service.report_of(desk.session, person.interview)
        audit.record(desk.session, "report.exported", "interview", interview_id, after={"form": "pdf"})
        return await pdf.response(desk.session, desk.tenant, person, found, person.interview.locale)

    @get(
        "/interviews/{interview_id:uuid}/answers/{key:str}/media",
        guards=READ,
        responses=binary("The recording, in the container it was made in.", "*/*"),
    )
    async def media(
        self, request: AnyRequest, desk: ApiDesk, store: ObjectStore, interview_id: UUID, key: str
    ) -> Stream:
        await service.person_of(desk.session, interview_id)
        found = await service.recording(desk.session, interview_id, key)
        return service.play(store, desk.key, found, request.headers.get("range"))

    @get("/question-sets", guards=CONTENT)
    async def question_sets(self, desk: ApiDesk) -> SetList:
        rows = await newest_sets(desk.session)
        return {
            "items": [
                {
                    "key": row.key,
                    "version": row.version,
                    "title": row.content["title"],
                    "questions": [q["key"] for q in row.content["questions"]],
                    "sha256": row.sha256,
                }
                for row in rows
            ]
        }


def _summary(interview: Interview) -> InterviewSummary:
    return {
        "id": str(interview.id),
        "status": interview.status,
        "unit": str(interview.unit_id),
        "locale": interview.locale,
        "deadline": interview.deadline.isoformat(),
        "started_at": interview.started_at.isoformat() if interview.started_at else None,
        "submitted_at": interview.submitted_at.isoformat() if interview.submitted_at else None,
    }
