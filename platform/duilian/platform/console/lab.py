"""The measurement lab (测量实验室): figures with their charts and tables, each finding in one sentence."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.anchors import service as anchors
from duilian.infra import audit
from duilian.infra.errors import NotFound
from duilian.platform.console import lab_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, staff_page
from duilian.platform.measuring import service
from duilian.platform.measuring.figures import KINDS
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

READ, MANAGE = [member_with(Right.LAB_READ)], [member_with(Right.LAB_MANAGE)]
HERE = "/console/lab"


class LabPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        found = await service.all_figures(desk.session)
        reader = lab_view.Reader(desk.locale, await lab_view.names_of(desk))
        cards = [
            (kind, reader.finding(kind, found[kind].content) if kind in found else None) for kind in KINDS
        ]
        newest = max((row.computed_at for row in found.values()), default=None)
        runs = await anchors.runs(desk.session, 1)
        return staff_page(
            request,
            desk,
            "lab.html",
            cards=cards,
            computed_at=newest,
            kinds=KINDS,
            run=next(iter(runs), None),
        )

    @post("/measure", guards=MANAGE)
    async def measure(self, desk: Desk) -> Redirect:
        await service.measure_later(desk.session)
        return back_to(HERE, "success", t(desk.locale, "lab.measuring"))

    @get("/{kind:str}", guards=READ)
    async def figures(self, request: AnyRequest, desk: Desk, kind: str) -> Response[Any]:
        if kind not in KINDS:
            raise NotFound
        row = await service.figures_of(desk.session, kind)
        reader = lab_view.Reader(desk.locale, await lab_view.names_of(desk))
        content = row.content if row else None
        more = getattr(reader, f"{kind}_charts", None)
        return staff_page(
            request, desk, f"lab_{kind}.html", kind=kind, kinds=KINDS, content=content, reader=reader,
            names=reader.names, computed_at=row.computed_at if row else None,
            finding=reader.finding(kind, content) if content else None,
            chart=reader.chart(kind, content) if content else None, charts=more(content) if more and content else {},
            runs=await anchors.runs(desk.session, 10) if kind == "drift" else [],
        )  # fmt: skip

    @get("/{kind:str}/data.csv", guards=READ)
    async def data(self, desk: Desk, kind: str) -> Response[bytes]:
        """The figures as a file; nobody's own row is in it."""
        row = await service.figures_of(desk.session, kind) if kind in KINDS else None
        if row is None:
            raise NotFound
        audit.record(desk.session, "lab.exported", "tenant", desk.session.tenant_id, after={"kind": kind})
        headers = {
            "Content-Disposition": f'attachment; filename="{kind}-{row.computed_at:%Y%m%d}.csv"',
            "Cache-Control": "no-store",
        }
        return Response(
            lab_view.table(kind, row.content), media_type="text/csv; charset=utf-8", headers=headers
        )
