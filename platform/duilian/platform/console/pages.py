"""The console's pages: what waits, the table, inviting, the report, decisions, what went wrong."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect, Stream

from duilian.billing.service import completed_interviews
from duilian.customization.service import content_of, newest_set, newest_sets
from duilian.infra import events, jobs
from duilian.infra.errors import NotFound
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.console import listing, report_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.listing import Filters
from duilian.platform.decisions import service as decisions
from duilian.platform.recruiting.links import portal_url, token_of
from duilian.platform.recruiting.models import Invitation
from duilian.platform.recruiting.service import invite_many
from duilian.platform.reports import pdf, service
from duilian.platform.web import formats
from duilian.platform.web.edge import back_to, flash_of, without_flash
from duilian.platform.web.pages import page
from duilian.platform.web.words import LOCALES, section, t
from duilian.tenants.rights import Right

AnyRequest = Request[Any, Any, Any]  # Any: the actor lies in the request's own state
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
READ, DECIDE = [member_with(Right.INTERVIEWS_READ)], [member_with(Right.INTERVIEWS_DECIDE)]
INVITE, OPERATE = [member_with(Right.INVITATIONS_WRITE)], [member_with(Right.OPERATIONS)]
CONTENT = [member_with(Right.CONTENT_READ)]


class ConsolePages(Controller):
    path = "/console"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def home(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        waiting, _ = await listing.interviews(desk.session, Filters(status=listing.REVIEW))
        dead = await jobs.dead_letters(desk.session) if Right.OPERATIONS in desk.actor.rights else []
        return _page(
            request, desk, "home.html", counts=await listing.counts(desk.session), waiting=waiting[:8],
            dead=len(dead), completed=await completed_interviews(desk.session), sets=await _sets(desk),
        )  # fmt: skip

    @get("/interviews", guards=READ)
    async def interviews(
        self,
        request: AnyRequest,
        desk: Desk,
        status: str = "",
        q: str = "",
        set_key: Annotated[str, Parameter(query="set")] = "",
        page_number: Annotated[int, Parameter(query="page", ge=1, le=100_000)] = 1,
    ) -> Response[Any]:
        filters = Filters(status if status in listing.SHOWN else "", q[:100], set_key, page_number)
        rows, more = await listing.interviews(desk.session, filters)
        return _page(
            request, desk, "interviews.html", rows=rows, more=more, filters=filters, shown=listing.SHOWN,
            counts=await listing.counts(desk.session), sets=await _sets(desk),
        )  # fmt: skip

    @get("/invite", guards=INVITE)
    async def show_invite(self, request: AnyRequest, desk: Desk, settings: Settings) -> Response[Any]:
        form = {
            "hours": str(settings.invitation_hours),
            "locale": desk.tenant.locale,
            "people": "",
            "set": "",
        }
        return _page(request, desk, "invite.html", sets=await _sets(desk), form=form, batch=None, links=[])

    @post("/invite", guards=INVITE)
    async def do_invite(
        self, request: AnyRequest, desk: Desk, data: Form, settings: Settings
    ) -> Response[Any]:
        """Shows what became of each row; refused rows stay in the box to be mended."""
        published = await newest_set(desk.session, data.get("set", ""))
        locale = data.get("locale", "") if data.get("locale") in LOCALES else desk.tenant.locale
        hours = min(720, max(1, int(data.get("hours") or settings.invitation_hours)))
        batch = await invite_many(
            desk.session, published, data.get("people", ""), locale, hours, desk.actor.label
        )
        links = [(person, _link(desk, settings, invitation)) for person, invitation in batch.invited]
        for _, invitation in batch.invited:
            await events.append(desk.session, "invitation.made", invitation.id, desk.actor.label)
        form = data | {"people": "\n".join(line for _, line, _ in batch.refused), "hours": str(hours)}
        return _page(
            request, desk, "invite.html", sets=await _sets(desk), form=form, batch=batch, links=links
        )

    @get("/invitations/{invitation_id:uuid}", guards=INVITE)
    async def invitation(
        self, request: AnyRequest, desk: Desk, settings: Settings, invitation_id: UUID
    ) -> Response[Any]:
        row = await desk.session.get(Invitation, (desk.session.tenant_id, invitation_id))
        if row is None:
            raise NotFound
        person = await report_view.invitee(desk.session, row)
        return _page(
            request, desk, "invitation.html", row=row, person=person, link=_link(desk, settings, row),
            sets=await _sets(desk),
        )  # fmt: skip

    @get("/interviews/{interview_id:uuid}", guards=READ)
    async def report(self, request: AnyRequest, desk: Desk, interview_id: UUID) -> Response[Any]:
        person = await service.person_of(desk.session, interview_id)
        view = await report_view.build(desk.session, person, desk.locale)
        await events.append(desk.session, "report.viewed", interview_id, desk.actor.label)
        return _page(request, desk, "report.html", person=person, view=view)

    @get("/interviews/{interview_id:uuid}/progress", guards=READ)
    async def progress(self, request: AnyRequest, desk: Desk, interview_id: UUID) -> Response[Any]:
        """Polled by the report page until there is a report."""
        person = await service.person_of(desk.session, interview_id)
        view = await report_view.build(desk.session, person, desk.locale)
        return _page(request, desk, "report_progress.html", person=person, view=view)

    @get("/interviews/{interview_id:uuid}/report.pdf", guards=READ)
    async def report_pdf(self, desk: Desk, interview_id: UUID) -> Response[bytes]:
        person = await service.person_of(desk.session, interview_id)
        found = await service.report_of(desk.session, person.interview)
        await events.append(desk.session, "report.exported", interview_id, desk.actor.label, form="pdf")
        return await pdf.response(desk.session, desk.tenant, person, found, desk.locale)

    @get("/interviews/{interview_id:uuid}/answers/{key:str}/media", guards=READ)
    async def media(
        self, request: AnyRequest, desk: Desk, store: ObjectStore, interview_id: UUID, key: str
    ) -> Stream:
        await service.person_of(desk.session, interview_id)
        found = await service.recording(desk.session, interview_id, key)
        return service.play(store, desk.key, found, request.headers.get("range"))

    @post("/interviews/{interview_id:uuid}/decision", guards=DECIDE)
    async def decide(self, desk: Desk, settings: Settings, interview_id: UUID, data: Form) -> Redirect:
        person = await service.person_of(desk.session, interview_id)
        outcome = data.get("outcome", "")
        await decisions.decide(desk.session, desk.actor, person, outcome, data.get("reason", ""))
        if outcome == "reinvite":
            invitation = await decisions.reinvite(desk.session, desk.actor, person, settings.invitation_hours)
            message = t(desk.locale, "console.flash.reinvited")
            return back_to(f"/console/invitations/{invitation.id}", "success", message)
        message = t(desk.locale, "console.flash.decided")
        return back_to(f"/console/interviews/{interview_id}", "success", message)

    @post("/interviews/{interview_id:uuid}/override", guards=DECIDE)
    async def override(self, desk: Desk, interview_id: UUID, data: Form) -> Redirect:
        person = await service.person_of(desk.session, interview_id)
        level = int(data["level"]) if data.get("level", "").isdigit() else 0
        competency = data.get("competency", "")
        await decisions.override(desk.session, desk.actor, person, competency, level, data.get("reason", ""))
        target = f"/console/interviews/{interview_id}#competency-{competency}"
        return back_to(target, "success", t(desk.locale, "console.flash.overridden"))

    @get("/question-sets", guards=CONTENT)
    async def question_sets(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        sets = [(row, content_of(row)) for row in await newest_sets(desk.session)]
        return _page(request, desk, "question_sets.html", sets=sets)

    @get("/question-sets/{key:str}", guards=CONTENT)
    async def question_set(self, request: AnyRequest, desk: Desk, key: str) -> Response[Any]:
        row = await newest_set(desk.session, key)
        return _page(request, desk, "question_set.html", row=row, content=content_of(row))

    @get("/failures", guards=OPERATE)
    async def failures(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return _page(request, desk, "failures.html", dead=await jobs.dead_letters(desk.session))

    @post("/failures/{job_id:int}/replay", guards=OPERATE)
    async def replay(self, desk: Desk, job_id: int) -> Redirect:
        if not await jobs.replay(desk.session, job_id):
            raise NotFound
        await events.append(
            desk.session, "job.replayed", desk.session.tenant_id, desk.actor.label, job=job_id
        )
        return back_to("/console/failures", "success", t(desk.locale, "console.flash.replayed"))

    @post("/locale", guards=READ)
    async def change_locale(self, desk: Desk, data: Form) -> Redirect:
        if data.get("locale") in LOCALES:
            await report_view.set_locale(desk.session, desk.actor, data["locale"])
        target = data.get("back", "")
        return back_to(target if target.startswith("/console") else "/console")


def _link(desk: Desk, settings: Settings, invitation: Invitation) -> str:
    return portal_url(settings.public_url, desk.tenant.slug, token_of(desk.key, invitation.id))


async def _sets(desk: Desk) -> list[tuple[str, dict[str, str]]]:
    return [(row.key, row.content["title"]) for row in await newest_sets(desk.session)]


def _page(request: AnyRequest, desk: Desk, template: str, **context: Any) -> Response[Any]:
    shared: dict[str, Any] = {
        "actor": desk.actor,
        "tenant": desk.tenant,
        "rights": {right.name: right in desk.actor.rights for right in Right},
        "path": request.url.path,
        "flash": flash_of(request),
        "script_words": section(desk.locale, "script."),
        **formats.for_reader(desk.locale, desk.tenant.time_zone),
    }
    merged: dict[str, Any] = shared | context
    return without_flash(page(template, desk.locale, **merged))
