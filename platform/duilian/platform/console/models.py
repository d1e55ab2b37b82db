"""Fine-tuning (模型训练): labels in, a model with its card out, checked, run in the shadow, promoted, taken back."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.training import datasets, releases
from duilian.customization.training.costs import prices
from duilian.infra import audit
from duilian.infra.errors import NotFound, Problem
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.console import models_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.measuring.figures import KINDS
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.training import service, shadows
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

READ, MANAGE = [member_with(Right.LAB_READ)], [member_with(Right.LAB_MANAGE)]
PROMOTE = [member_with(Right.LAB_PROMOTE)]
HERE = "/console/lab/models"
MOST_REASON = 2000


class ModelPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, request: AnyRequest, desk: Desk, settings: Settings) -> Response[Any]:
        return await _overview(request, desk, settings)

    @post("/train", guards=MANAGE)
    async def train(self, request: AnyRequest, desk: Desk, settings: Settings, data: Form) -> Response[Any]:
        price, adapt_with = prices(settings.core_hour_price), settings if data.get("adapt") else None
        try:
            row = await service.start(desk.session, data.get("competency", "")[:80], price, adapt_with)
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await _overview(request, desk, settings, problem)
        return back_to(f"{HERE}/runs/{row.id}")

    @get("/runs/{run_id:uuid}", guards=READ)
    async def run(self, request: AnyRequest, desk: Desk, run_id: UUID) -> Response[Any]:
        row = await service.run_of(desk.session, run_id)
        reader = await models_view.reader_of(desk)
        evaluation = row.evaluation
        active = [
            one
            for state in (releases.SHADOW, releases.IN_FORCE)
            if (one := await releases.release_of(desk.session, row.competency, state)) is not None
        ]
        history = await releases.history(desk.session, row.competency)
        return staff_page(
            request, desk, "models_run.html", row=row, reader=reader, dataset=await service.dataset_of(desk.session, row),
            evaluation=evaluation, charts={
                "agreement": reader.agreement_chart(evaluation), "curve": reader.curve_chart(evaluation),
            } if evaluation else {},
            released=next((one for one in active if one.artefact == row.artefact), None), compared=await releases.is_compared(desk.session, row),
            mine=[one for one in history if one.run_id == row.id],
        )  # fmt: skip

    @get("/runs/{run_id:uuid}/progress", guards=READ)
    async def progress(self, request: AnyRequest, desk: Desk, run_id: UUID) -> Response[Any]:
        """Polled by the page until the run is over."""
        row = await service.run_of(desk.session, run_id)
        return staff_page(request, desk, "models_progress.html", row=row)

    @get("/runs/{run_id:uuid}/card.json", guards=READ)
    async def card(self, desk: Desk, run_id: UUID) -> Response[bytes]:
        row = await service.run_of(desk.session, run_id)
        if row.card is None:
            raise NotFound
        audit.record(desk.session, "model.card-exported", "training_run", row.id)
        headers = {
            "Content-Disposition": f'attachment; filename="model-card-{row.competency}-{row.id.hex[:8]}.json"',
            "Cache-Control": "no-store",
        }
        octets = json.dumps(row.card, ensure_ascii=False, indent=2).encode()
        return Response(octets, media_type="application/json", headers=headers)

    @post("/runs/{run_id:uuid}/cancel", guards=MANAGE)
    async def cancel(self, desk: Desk, run_id: UUID) -> Redirect:
        await service.cancel(desk.session, run_id)
        return back_to(f"{HERE}/runs/{run_id}", "success", t(desk.locale, "models.cancelled"))

    @post("/runs/{run_id:uuid}/shadow", guards=MANAGE)
    async def shadow(self, desk: Desk, run_id: UUID) -> Redirect:
        row = await service.shadow(desk.session, run_id)
        return back_to(_of(row.competency), "success", t(desk.locale, "models.shadow_begun"))

    @get("/competencies/{competency:str}", guards=READ)
    async def competency(self, request: AnyRequest, desk: Desk, competency: str) -> Response[Any]:
        return await _competency(request, desk, competency)

    @post("/releases/{release_id:uuid}/promote", guards=PROMOTE)
    async def promote(
        self, request: AnyRequest, desk: Desk, store: ObjectStore, release_id: UUID, data: Form
    ) -> Response[Any]:
        shelf = HeadShelf(store, desk.key)
        try:
            row = await service.promote(desk.session, shelf, release_id, data.get("reason", "")[:MOST_REASON])
        except Problem as problem:
            if problem.status == 404 or problem.status >= 500:
                raise
            known = await releases.get(desk.session, release_id)
            return await _competency(request, desk, known.competency, problem)
        return back_to(_of(row.competency), "success", t(desk.locale, "models.promoted"))

    @post("/releases/{release_id:uuid}/stop", guards=MANAGE)
    async def stop(self, desk: Desk, release_id: UUID) -> Redirect:
        row = await releases.stop_shadow(desk.session, release_id)
        return back_to(_of(row.competency), "success", t(desk.locale, "models.shadow_ended"))

    @post("/rollback", guards=PROMOTE)
    async def roll_back(self, desk: Desk, store: ObjectStore, data: Form) -> Redirect:
        competency, reason = data.get("competency", "")[:80], data.get("reason", "")[:MOST_REASON]
        await service.roll_back(desk.session, HeadShelf(store, desk.key), competency, reason)
        return back_to(_of(competency), "success", t(desk.locale, "models.rolled_back"))


def _of(competency: str) -> str:
    return f"{HERE}/competencies/{competency}"


async def _overview(
    request: AnyRequest, desk: Desk, settings: Settings, problem: Problem | None = None
) -> Response[Any]:
    price = prices(settings.core_hour_price)
    return staff_page(
        request, desk, "models_overview.html", status=problem.status if problem else 200,
        rows=await models_view.overview(desk, settings, price), price=price, taken_out=await models_view.taken_out(desk),
        runs=await service.runs(desk.session), kinds=KINDS,
        reader=await models_view.reader_of(desk), least=datasets.LEAST_LABELS,
        promote_labels=datasets.PROMOTE_LABELS, promote_people=datasets.PROMOTE_PEOPLE,
        error=problem.sentence(desk.locale) if problem else "",
    )  # fmt: skip


async def _competency(
    request: AnyRequest, desk: Desk, competency: str, problem: Problem | None = None
) -> Response[Any]:
    """Raises NotFound where no model was ever released for it."""
    history = await releases.history(desk.session, competency)
    if not history:
        raise NotFound
    states = {row.state: row for row in history if row.state != releases.RETIRED}
    shadow = states.get(releases.SHADOW)
    run = await service.run_of(desk.session, shadow.run_id) if shadow else None
    few = shadow is not None and await shadows.seen(desk.session, shadow.id) < releases.LEAST_LIVE
    return staff_page(
        request, desk, "models_competency.html", status=problem.status if problem else 200, competency=competency,
        history=history, taken_out=await models_view.taken_out(desk, competency), in_force=states.get(releases.IN_FORCE), shadow=shadow,
        needs_reason=few or (run is not None and run.verdict == "warned"), least_live=releases.LEAST_LIVE if few else 0, figures=await models_view.comparison(desk, shadow),
        reader=await models_view.reader_of(desk), least=releases.LEAST_REASON, most=MOST_REASON,
        error=problem.sentence(desk.locale) if problem else "",
    )  # fmt: skip
