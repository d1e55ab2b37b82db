"""Proposals for question sets (题组修订建议): what is said and decided, what follows from it, and what it would have done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.models import PublishedSet
from duilian.customization.service import content_of, newest_set, newest_sets, versions_of
from duilian.infra import audit
from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.platform.console import revision_view as view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.measuring.figures import KINDS
from duilian.platform.opinions import survey
from duilian.platform.revising import crossing, findings, publishing, service, values
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

READ, MANAGE = [member_with(Right.LAB_READ)], [member_with(Right.LAB_MANAGE)]
PUBLISH, PEOPLE = [member_with(Right.SETTINGS)], [member_with(Right.INTERVIEWS_READ)]
HERE = "/console/lab/proposals"


class RevisionPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return staff_page(
            request, desk, "revision/overview.html", kinds=KINDS, reader=await view.reader_of(desk),
            sets=[(row, content_of(row)) for row in await newest_sets(desk.session)],
            signals=await service.signals(desk.session), proposals=await service.proposals(desk.session),
        )  # fmt: skip

    @post("/", guards=MANAGE)
    async def propose(self, desk: Desk) -> Redirect:
        await service.propose_later(desk.session)
        return back_to(HERE, "success", t(desk.locale, "revision.looking"))

    @get("/sets/{key:str}", guards=READ)
    async def signals(self, request: AnyRequest, desk: Desk, database: Database, key: str) -> Response[Any]:
        """Everything that is said of a set, candidates' words without their names, and where its versions came from."""
        row = await newest_set(desk.session, key)
        found = (await service.signals(desk.session)).get(key)
        told = await survey.counted(database, desk.session.tenant_id, key)
        return staff_page(
            request, desk, "revision/set.html", kinds=KINDS, reader=await view.reader_of(desk), row=row,
            content=content_of(row), found=found, told=told, least_told=survey.LEAST_TOLD,
            versions=await versions_of(desk.session, key),
            proposals=await service.proposals(desk.session, key),
        )  # fmt: skip

    @get("/{proposal_id:uuid}", guards=READ)
    async def proposal(
        self, request: AnyRequest, desk: Desk, proposal_id: UUID, border: str = ""
    ) -> Response[Any]:
        return await _page(request, desk, proposal_id, border=border)

    @get("/{proposal_id:uuid}/people", guards=PEOPLE)
    async def people(
        self, request: AnyRequest, desk: Desk, proposal_id: UUID, border: str = ""
    ) -> Response[Any]:
        """Who would stand on the other side of a border, of those whom this member may see."""
        row = await service.proposal_of(desk.session, proposal_id)
        at = _border(row.effect, border)
        rows = [] if at is None else await crossing.named(desk.session, row.id, at)
        audit.record(desk.session, "proposal.people-viewed", "proposal", row.id, after={"people": len(rows)})
        return staff_page(request, desk, "revision/people.html", row=row, rows=rows, border=at)

    @post("/{proposal_id:uuid}/change", guards=PUBLISH)
    async def change(self, request: AnyRequest, desk: Desk, proposal_id: UUID, data: Form) -> Response[Any]:
        row = await service.proposal_of(desk.session, proposal_id)
        base = await desk.session.get_one(PublishedSet, (desk.session.tenant_id, row.base_id))
        try:
            await service.change(desk.session, row.id, view.values_in(content_of(base), data))
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await _page(request, desk, proposal_id, problem, typed=data)
        return back_to(f"{HERE}/{row.id}#effect", "success", t(desk.locale, "revision.changed"))

    @post("/{proposal_id:uuid}/publish", guards=PUBLISH)
    async def publish(self, request: AnyRequest, desk: Desk, proposal_id: UUID, data: Form) -> Response[Any]:
        return await _decide(request, desk, proposal_id, data, publishing.accept, "revision.published")

    @post("/{proposal_id:uuid}/reject", guards=PUBLISH)
    async def reject(self, request: AnyRequest, desk: Desk, proposal_id: UUID, data: Form) -> Response[Any]:
        return await _decide(request, desk, proposal_id, data, publishing.reject, "revision.rejected")

    @post("/{proposal_id:uuid}/take-back", guards=PUBLISH)
    async def take_back(
        self, request: AnyRequest, desk: Desk, proposal_id: UUID, data: Form
    ) -> Response[Any]:
        return await _decide(request, desk, proposal_id, data, publishing.take_back, "revision.taken_back")


async def _decide(
    request: AnyRequest, desk: Desk, proposal_id: UUID, data: dict[str, str], decision: Any, said: str
) -> Response[Any]:  # Any: one of the three decisions
    try:
        row = await decision(desk.session, proposal_id, data.get("reason", ""))
    except Problem as problem:
        if problem.status == 404 or problem.status >= 500:
            raise
        return await _page(request, desk, proposal_id, problem, typed=data)
    return back_to(f"{HERE}/{row.id}", "success", t(desk.locale, said))


async def _page(
    request: AnyRequest, desk: Desk, proposal_id: UUID, problem: Problem | None = None, *, border: str = "",
    typed: dict[str, str] | None = None,
) -> Response[Any]:  # fmt: skip
    row = await service.proposal_of(desk.session, proposal_id)
    base = await desk.session.get_one(PublishedSet, (desk.session.tenant_id, row.base_id))
    content, chosen = content_of(base), values.read(row.chosen)
    at = _border(row.effect, border)
    crossed = None if at is None else await crossing.counted(desk.session, row.id, at)
    made = (
        await desk.session.get(PublishedSet, (desk.session.tenant_id, row.published_id))
        if row.published_id
        else None
    )
    return staff_page(
        request, desk, "revision/proposal.html", status=problem.status if problem else 200, row=row, base=base,
        content=content, now=values.values_of(content), chosen=chosen, made=made,
        reword=findings.reworded(row.findings), form=view.form_of(content, chosen) | (typed or {}),
        crossed=crossed, border=at, own_border=bool(border), reader=await view.reader_of(desk),
        least=publishing.LEAST_REASON, most=publishing.MOST_REASON, halfway=values.HALFWAY,
        error=problem.sentence(desk.locale) if problem else "", reason=(typed or {}).get("reason", ""),
    )  # fmt: skip


def _border(effect: dict[str, Any] | None, asked: str) -> float | None:
    """The one asked for, else the one that decisions point to; None where nobody knows one, or nothing is told."""
    if effect is None or effect["change"] is None:
        return None
    given = view.border_in(asked) if asked else None
    return given if given is not None else (effect["crossing"] or {}).get("border")
