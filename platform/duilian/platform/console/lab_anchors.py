"""The anchor set: chosen by a person, scored again, accepted by a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect
from sqlalchemy import select

from duilian.customization.anchors import service as anchors
from duilian.customization.anchors.later import score_later
from duilian.customization.labels.models import Example
from duilian.customization.measurement.drift import LEAST_ANCHORS
from duilian.platform.console import lab_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, staff_page
from duilian.platform.measuring.figures import KINDS
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

READ, MANAGE = [member_with(Right.LAB_READ)], [member_with(Right.LAB_MANAGE)]
HERE = "/console/lab/anchors"
SHOWN = 200


class AnchorPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def show(self, request: AnyRequest, desk: Desk, competency: str = "") -> Response[Any]:
        """Settled answers, the anchors among them first. Their words are on the labelling pages, for who may read them."""
        chosen = {one.id for one in await anchors.anchor_examples(desk.session)}
        settled = await anchors.settled_examples(desk.session, competency)
        ids = sorted(settled, key=lambda one: (one not in chosen, settled[one], one))[:SHOWN]
        query = select(Example).where(Example.id.in_(ids))
        found = {row.id: row for row in await desk.session.scalars(query)}
        rows = [(found[one], int(settled[one]), one in chosen) for one in ids if one in found]
        names = await lab_view.names_of(desk)
        competencies = list(await desk.session.scalars(select(Example.competency).distinct()))
        return staff_page(
            request, desk, "lab_anchors.html", kind="anchors", kinds=KINDS, rows=rows, names=names, chosen=len(chosen),
            settled=len(settled), least=LEAST_ANCHORS, competencies=sorted(competencies), competency=competency,
            runs=await anchors.runs(desk.session, 20), reader=lab_view.Reader(desk.locale, names),
        )  # fmt: skip

    @post("/", guards=MANAGE)
    async def choose(self, request: AnyRequest, desk: Desk) -> Redirect:
        """example: those ticked; shown: those that were on the page, of which the others are taken out."""
        form = await request.form()
        ticked = set(lab_view.ids_of(form.getall("example", [])))
        shown = set(lab_view.ids_of(form.getall("shown", [])))
        had = {one.id for one in await anchors.anchor_examples(desk.session)}
        for example_id in sorted(ticked - had):
            await anchors.add(desk.session, example_id)
        for example_id in sorted((shown - ticked) & had):
            await anchors.remove(desk.session, example_id)
        now_chosen = len(await anchors.anchor_examples(desk.session))
        return back_to(HERE, "success", t(desk.locale, "lab.anchors.saved", n=now_chosen))

    @post("/score", guards=MANAGE)
    async def score(self, desk: Desk) -> Redirect:
        await score_later(desk.session)
        return back_to(HERE, "success", t(desk.locale, "lab.anchors.scoring"))

    @post("/runs/{run_id:uuid}/accept", guards=MANAGE)
    async def accept(self, desk: Desk, run_id: UUID) -> Redirect:
        await anchors.accept(desk.session, run_id)
        return back_to(HERE, "success", t(desk.locale, "lab.anchors.accepted"))
