"""The console's pages: what waits, the table, inviting, the report, decisions, what went wrong."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Redirect, Stream

from duilian.billing.service import completed_interviews
from duilian.customization.service import content_of, newest_set, newest_sets, newest_titles
from duilian.infra import audit, events, jobs
from duilian.infra.clock import now
from duilian.infra.errors import NotFound
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.infra.smtp import BadMailAddress
from duilian.platform.console import failures_view, listing, report_view
from duilian.platform.console.desk import Desk, member_with, provide_desk, signed_in
from duilian.platform.console.listing import Filters
from duilian.platform.console.shell import AnyRequest, Form, staff_page, uuid_or_none
from duilian.platform.decisions import service as decisions
from duilian.platform.onboarding.progress import progress
from duilian.platform.opinions import strictness
from duilian.platform.privacy.retention import clocks_by_id, clocks_of
from duilian.platform.recruiting.letters import invitation_mail, mail_invitation
from duilian.platform.recruiting.links import portal_url, token_of
from duilian.platform.recruiting.models import Invitation
from duilian.platform.recruiting.service import Batch, invite_many
from duilian.platform.reports import pdf, service
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import LOCALES, section, t
from duilian.tenants.domains import base_of_links
from duilian.tenants.models import OrgUnit
from duilian.tenants.organisation import place_for, units_in
from duilian.tenants.rights import Right

READ, DECIDE = [member_with(Right.INTERVIEWS_READ)], [member_with(Right.INTERVIEWS_DECIDE)]
INVITE, OPERATE = [member_with(Right.INVITATIONS_WRITE)], [member_with(Right.OPERATIONS)]
CONTENT, ANYBODY = [member_with(Right.CONTENT_READ)], [signed_in()]


class ConsolePages(Controller):
    path = "/console"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=ANYBODY)
    async def home(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        waiting, _ = await listing.interviews(desk.session, Filters(status=listing.REVIEW))
        dead = await jobs.dead_letters(desk.session) if desk.actor.may(Right.OPERATIONS) else []
        return staff_page(
            request, desk, "home.html", counts=await listing.counts(desk.session), waiting=waiting[:8],
            dead=len(dead), completed=await completed_interviews(desk.session) if desk.session.access.units is None else None,
            sets=await _sets(desk), setup=await progress(desk.session) if desk.actor.may(Right.SETTINGS) else None,
        )  # fmt: skip

    @get("/interviews", guards=READ)
    async def interviews(
        self,
        request: AnyRequest,
        desk: Desk,
        status: str = "",
        q: str = "",
        set_key: Annotated[str, Parameter(query="set")] = "",
        unit: str = "",
        order: str = "",
        page_number: Annotated[int, Parameter(query="page", ge=1, le=100_000)] = 1,
    ) -> Response[Any]:
        chosen = listing.GAIN if order == listing.GAIN else ""
        filters = Filters(
            status if status in listing.SHOWN else "", q[:100], set_key, unit, page_number, chosen
        )
        rows, more = await listing.interviews(desk.session, filters)
        return staff_page(
            request, desk, "interviews.html", rows=rows, more=more, filters=filters, shown=listing.SHOWN,
            counts=await listing.counts(desk.session), sets=await _sets(desk), units=await _units(desk),
            clocks=await clocks_by_id(desk.session, [row.interview_id for row in rows if row.interview_id]), now=now(),
        )  # fmt: skip

    @get("/invite", guards=INVITE)
    async def show_invite(self, request: AnyRequest, desk: Desk, settings: Settings) -> Response[Any]:
        form = {
            "hours": str(settings.invitation_hours),
            "locale": desk.tenant.locale,
            "people": "",
            "set": "",
            "unit": "",
            "mail": "1",
        }
        return staff_page(
            request,
            desk,
            "invite.html",
            sets=await _sets(desk),
            units=await _units(desk),
            form=form,
            batch=None,
            links=[],
            mails=bool(settings.smtp_url),
            mailed=None,
        )

    @post("/invite", guards=INVITE)
    async def do_invite(
        self, request: AnyRequest, desk: Desk, data: Form, settings: Settings
    ) -> Response[Any]:
        """Shows what became of each row; refused rows stay in the box to be mended."""
        published = await newest_set(desk.session, data.get("set", ""))
        locale = data.get("locale", "") if data.get("locale") in LOCALES else desk.tenant.locale
        hours = min(720, max(1, int(data.get("hours") or settings.invitation_hours)))
        unit = await place_for(desk.session, desk.session.access.units, uuid_or_none(data.get("unit", "")))
        batch = await invite_many(
            desk.session, published, data.get("people", ""), locale, hours, desk.actor.label, unit.id
        )
        links = [(person, await _link(desk, settings, invitation)) for person, invitation in batch.invited]
        for _, invitation in batch.invited:
            await events.append(desk.session, "invitation.made", invitation.id, desk.actor.label)
        refused = "\n".join(line for _, line, _ in batch.refused)
        mailed = await _mail(desk, settings, batch) if data.get("mail") and settings.smtp_url else None
        form = data | {"people": refused, "hours": str(hours), "unit": str(unit.id)}
        form["mail"] = data.get("mail", "")
        return staff_page(
            request, desk, "invite.html", sets=await _sets(desk), units=await _units(desk), form=form, batch=batch,
            links=links, mails=bool(settings.smtp_url), mailed=mailed,
        )  # fmt: skip

    @get("/invitations/{invitation_id:uuid}", guards=INVITE)
    async def invitation(
        self, request: AnyRequest, desk: Desk, settings: Settings, invitation_id: UUID
    ) -> Response[Any]:
        row = await desk.session.get(Invitation, (desk.session.tenant_id, invitation_id))
        if row is None:
            raise NotFound
        person = await report_view.invitee(desk.session, row)
        return staff_page(
            request, desk, "invitation.html", row=row, person=person, link=await _link(desk, settings, row),
            sets=await _sets(desk), mails=bool(settings.smtp_url), mail=await invitation_mail(desk.session, row),
        )  # fmt: skip

    @get("/interviews/{interview_id:uuid}", guards=READ)
    async def report(self, request: AnyRequest, desk: Desk, interview_id: UUID) -> Response[Any]:
        person = await service.person_of(desk.session, interview_id, dry_runs=True)
        view = await report_view.build(desk.session, person, desk.locale)
        audit.record(desk.session, "report.viewed", "interview", interview_id)
        clocks = await clocks_of(desk.session, interview_id)
        mine = await strictness.own(desk.session, desk.actor, view.report) if view.report else {}
        return staff_page(
            request, desk, "report.html", person=person, view=view, clocks=clocks, strictness=mine
        )

    @get("/interviews/{interview_id:uuid}/progress", guards=READ)
    async def report_progress(self, request: AnyRequest, desk: Desk, interview_id: UUID) -> Response[Any]:
        """Polled by the report page until there is a report."""
        person = await service.person_of(desk.session, interview_id, dry_runs=True)
        view = await report_view.build(desk.session, person, desk.locale)
        return staff_page(request, desk, "report_progress.html", person=person, view=view)

    @get("/interviews/{interview_id:uuid}/report.pdf", guards=READ)
    async def report_pdf(self, desk: Desk, interview_id: UUID) -> Response[bytes]:
        person = await service.person_of(desk.session, interview_id)
        found = await service.report_of(desk.session, person.interview)
        audit.record(desk.session, "report.exported", "interview", interview_id, after={"form": "pdf"})
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

    @post("/interviews/{interview_id:uuid}/answers/{key:str}/steps", guards=DECIDE)
    async def mark_step(self, desk: Desk, interview_id: UUID, key: str, data: Form) -> Redirect:
        """An assessor's mark on a step of a hands-on task: `step`, and `second` of the recording."""
        person = await service.person_of(desk.session, interview_id)
        await report_view.mark_step(desk.session, person, key, data.get("step", ""), data.get("second", ""))
        return back_to(
            f"/console/interviews/{interview_id}#answers", "success", t(desk.locale, "console.steps.saved")
        )

    @get("/question-sets", guards=CONTENT)
    async def question_sets(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        sets = [(row, content_of(row)) for row in await newest_sets(desk.session)]
        return staff_page(request, desk, "question_sets.html", sets=sets)

    @get("/question-sets/{key:str}", guards=CONTENT)
    async def question_set(self, request: AnyRequest, desk: Desk, key: str) -> Response[Any]:
        row = await newest_set(desk.session, key)
        return staff_page(request, desk, "question_set.html", row=row, content=content_of(row))

    @get("/failures", guards=OPERATE)
    async def failures(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return staff_page(
            request, desk, "failures.html", dead=await failures_view.given_up(desk.session, desk.locale),
            waiting=await failures_view.stumbling(desk.session, desk.locale), mended=await failures_view.mended(desk.session, desk.locale),
            tasks=section(desk.locale, "console.failures.tasks."),
        )  # fmt: skip

    @post("/failures/{job_id:int}/replay", guards=OPERATE)
    async def replay(self, desk: Desk, job_id: int) -> Redirect:
        if not await jobs.replay(desk.session, job_id):
            raise NotFound
        await events.append(
            desk.session, "job.replayed", desk.session.tenant_id, desk.actor.label, job=job_id
        )
        return back_to("/console/failures", "success", t(desk.locale, "console.flash.replayed"))

    @post("/locale", guards=ANYBODY)
    async def change_locale(self, desk: Desk, data: Form) -> Redirect:
        if data.get("locale") in LOCALES:
            await report_view.set_locale(desk.session, desk.actor, data["locale"])
        target = data.get("back", "")
        return back_to(target if target.startswith("/console") else "/console")


async def _link(desk: Desk, settings: Settings, invitation: Invitation) -> str:
    base = await base_of_links(desk.session, settings.public_url)
    return portal_url(base, desk.tenant.slug, token_of(desk.key, invitation.id))


async def _mail(desk: Desk, settings: Settings, batch: Batch) -> list[str]:
    """To everybody who was just invited; returns the addresses that no letter can be sent to."""
    unmailable: list[str] = []
    for person, row in batch.invited:
        try:
            await mail_invitation(desk.session, settings, desk.tenant, row, person.name, person.email)
        except BadMailAddress:
            unmailable.append(person.email)
    return unmailable


async def _sets(desk: Desk) -> list[tuple[str, dict[str, str]]]:
    return await newest_titles(desk.session)


async def _units(desk: Desk) -> list[OrgUnit]:
    """Those in reach, as a choice; nothing to choose where there is but one."""
    found = await units_in(desk.session, desk.session.access.units)
    return found if len(found) > 1 else []
