"""Speech vocabulary (语音词表): words proposed from history, what they do to the recogniser, promoted, taken back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.training.releases import LEAST_REASON
from duilian.customization.vocabulary import service
from duilian.infra.errors import Problem
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.models_view import reader_of
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.measuring.figures import KINDS
from duilian.platform.vocabulary import releasing
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

READ, MANAGE = [member_with(Right.LAB_READ)], [member_with(Right.LAB_MANAGE)]
PROMOTE = [member_with(Right.LAB_PROMOTE)]
HERE = "/console/lab/vocabulary"
MOST_REASON = 2000


class VocabularyPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return await _overview(request, desk)

    @post("/learn", guards=MANAGE)
    async def learn(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        try:
            row = await service.start(desk.session)
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await _overview(request, desk, problem)
        return back_to(f"{HERE}/versions/{row.id}")

    @get("/versions/{version_id:uuid}", guards=READ)
    async def version(self, request: AnyRequest, desk: Desk, version_id: UUID) -> Response[Any]:
        return await _version(request, desk, version_id)

    @post("/versions/{version_id:uuid}/promote", guards=PROMOTE)
    async def promote(self, request: AnyRequest, desk: Desk, version_id: UUID, data: Form) -> Response[Any]:
        try:
            await releasing.promote(desk.session, version_id, data.get("reason", "")[:MOST_REASON])
        except Problem as problem:
            if problem.status == 404 or problem.status >= 500:
                raise
            return await _version(request, desk, version_id, problem)
        return back_to(HERE, "success", t(desk.locale, "vocabulary.promoted"))

    @post("/rollback", guards=PROMOTE)
    async def roll_back(self, desk: Desk, data: Form) -> Redirect:
        await releasing.roll_back(desk.session, data.get("reason", "")[:MOST_REASON])
        return back_to(HERE, "success", t(desk.locale, "vocabulary.rolled_back"))


async def _overview(request: AnyRequest, desk: Desk, problem: Problem | None = None) -> Response[Any]:
    rows = await service.versions(desk.session)
    current = next((row for row in rows if row.release == service.IN_FORCE), None)
    current = current or await service.in_force(desk.session)
    return staff_page(
        request, desk, "vocabulary_overview.html", status=problem.status if problem else 200, rows=rows,
        current=current, content=service.content_of(current) if current else None, kinds=KINDS,
        own=desk.tenant.vocabulary, reader=await reader_of(desk),
        error=problem.sentence(desk.locale) if problem else "",
    )  # fmt: skip


async def _version(
    request: AnyRequest, desk: Desk, version_id: UUID, problem: Problem | None = None
) -> Response[Any]:
    row = await service.version_of(desk.session, version_id)
    return staff_page(
        request, desk, "vocabulary_version.html", status=problem.status if problem else 200, row=row,
        content=service.content_of(row), reader=await reader_of(desk), least=LEAST_REASON, most=MOST_REASON,
        error=problem.sentence(desk.locale) if problem else "",
    )  # fmt: skip
