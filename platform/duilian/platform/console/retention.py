"""Retention for administrators: what goes when, what is held back, receipts; and the hold on one interview."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Redirect
from sqlalchemy import select

from duilian.infra.clock import now
from duilian.infra.errors import NotFound
from duilian.infra.jobs import defer
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.privacy import holds, retention
from duilian.platform.privacy.models import Erasure, LegalHold
from duilian.platform.reports.service import person_of
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.policy_store import policy_of_tenant
from duilian.tenants.rights import Right

SETTINGS = [member_with(Right.SETTINGS)]
HERE = "/console/retention"
AHEAD = (7, 30, 90, 365)  # days
NEWEST = 50


class RetentionPages(Controller):
    path = "/console"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/retention", guards=SETTINGS)
    async def show(
        self,
        request: AnyRequest,
        desk: Desk,
        days: int = 30,
        page_number: Annotated[int, Parameter(query="page", ge=1, le=100_000)] = 1,
    ) -> Response[Any]:
        ahead = days if days in AHEAD else 30
        rows, more = await retention.preview(desk.session, now() + timedelta(days=ahead), page_number)
        return staff_page(
            request, desk, "retention.html", rows=rows, more=more, ahead=ahead, choices=AHEAD, page_number=page_number,
            policy=policy_of_tenant(desk.tenant), held=await _held(desk), receipts=await _receipts(desk), now=now(),
        )  # fmt: skip

    @post("/retention/run", guards=SETTINGS)
    async def run(self, desk: Desk) -> Redirect:
        """As the daily run, now."""
        await defer(desk.session, retention.RETENTION, lock=f"{retention.RETENTION}:{desk.session.tenant_id}")
        return back_to(HERE, "success", t(desk.locale, "console.retention.started"))

    @get("/retention/receipts/{erasure_id:uuid}", guards=SETTINGS)
    async def receipt(self, desk: Desk, erasure_id: UUID) -> Response[bytes]:
        row = await desk.session.get(Erasure, (desk.session.tenant_id, erasure_id))
        if row is None or row.receipt is None:
            raise NotFound
        headers = {
            "Content-Disposition": f'attachment; filename="receipt-{row.id}.json"',
            "Cache-Control": "no-store",
        }
        body = msgspec.json.format(msgspec.json.encode(row.receipt), indent=2)
        return Response(body, media_type="application/json", headers=headers)

    @post("/interviews/{interview_id:uuid}/hold", guards=SETTINGS)
    async def hold(self, desk: Desk, interview_id: UUID, data: Form) -> Redirect:
        await person_of(desk.session, interview_id)
        await holds.place(desk.session, interview_id, data.get("reason", ""))
        return back_to(
            f"/console/interviews/{interview_id}", "success", t(desk.locale, "console.retention.held")
        )

    @post("/interviews/{interview_id:uuid}/hold/lift", guards=SETTINGS)
    async def lift(self, desk: Desk, interview_id: UUID) -> Redirect:
        await person_of(desk.session, interview_id)
        await holds.lift(desk.session, interview_id)
        return back_to(
            f"/console/interviews/{interview_id}", "success", t(desk.locale, "console.retention.lifted")
        )


async def _held(desk: Desk) -> list[LegalHold]:
    query = select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.id.desc()).limit(NEWEST)
    return list(await desk.session.scalars(query))


async def _receipts(desk: Desk) -> list[Erasure]:
    query = select(Erasure).order_by(Erasure.id.desc()).limit(NEWEST)
    return list(await desk.session.scalars(query))
