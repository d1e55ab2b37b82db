"""Training for programs: start a run, watch it, read its card, run it in the shadow, go back. Promotion is a person's."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import Provide
from sqlalchemy import select

from duilian.customization.training import releases
from duilian.customization.training.costs import prices
from duilian.customization.training.models import HeadRelease, TrainingRun
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.training import service
from duilian.tenants.rights import Right

READ, MANAGE = [key_with(Right.LAB_READ)], [key_with(Right.LAB_MANAGE)]
PROMOTE = [key_with(Right.LAB_PROMOTE)]
Competency = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """adapt: also fine-tunes the encoder (docs/training.md)."""

    competency: Competency
    adapt: bool = False


class WayBack(msgspec.Struct, frozen=True, kw_only=True):
    competency: Competency
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class RunDocument(TypedDict):
    """share: of the work done, 0–1. estimate, cost: docs/training.md#cost. card: docs/training.md, None until it is done."""

    id: str
    competency: str
    state: str
    share: float
    verdict: str | None
    artefact: str | None
    failure: dict[str, Any] | None
    estimate: dict[str, Any] | None
    cost: dict[str, Any] | None
    card: dict[str, Any] | None


class ReleaseDocument(TypedDict):
    id: str
    competency: str
    artefact: str
    run: str
    state: str
    promoted_at: str | None


class CompetencyDocument(TypedDict):
    """estimate: of a run with the labels as they are now, None where they are too few to train."""

    key: str
    labels: int
    people: int
    estimate: dict[str, Any] | None


class Models(TypedDict):
    """releases: in force or in the shadow. runs: the newest, without their cards."""

    competencies: list[CompetencyDocument]
    releases: list[ReleaseDocument]
    runs: list[RunDocument]


class Back(TypedDict):
    """in_force: None where the scorer without labels judges again."""

    in_force: ReleaseDocument | None


class ModelsApi(Controller):
    path = "/api/v1/lab/models"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, desk: ApiDesk, settings: Settings) -> Models:
        query = select(HeadRelease).where(HeadRelease.state != releases.RETIRED).order_by(HeadRelease.id)
        active = [_release(row) for row in await desk.session.scalars(query)]
        newest = [_run(row, with_card=False) for row in await service.runs(desk.session)]
        return Models(competencies=await _competencies(desk, settings), releases=active, runs=newest)

    @post("/runs", guards=MANAGE)
    async def train(self, desk: ApiDesk, settings: Settings, data: NewRun) -> RunDocument:
        """Freezes the labels as they stand and trains in the background."""
        price, adapt_with = prices(settings.core_hour_price), settings if data.adapt else None
        return _run(await service.start(desk.session, data.competency, price, adapt_with))

    @get("/runs/{run_id:uuid}", guards=READ)
    async def run(self, desk: ApiDesk, run_id: UUID) -> RunDocument:
        return _run(await service.run_of(desk.session, run_id))

    @post("/runs/{run_id:uuid}/cancel", guards=MANAGE, status_code=200)
    async def cancel(self, desk: ApiDesk, run_id: UUID) -> RunDocument:
        return _run(await service.cancel(desk.session, run_id))

    @post("/runs/{run_id:uuid}/shadow", guards=MANAGE)
    async def shadow(self, desk: ApiDesk, run_id: UUID) -> ReleaseDocument:
        """Only where no gate failed."""
        return _release(await service.shadow(desk.session, run_id))

    @post("/rollback", guards=PROMOTE, status_code=200)
    async def roll_back(self, desk: ApiDesk, store: ObjectStore, data: WayBack) -> Back:
        """To what was in force before."""
        shelf = HeadShelf(store, desk.key)
        before = await service.roll_back(desk.session, shelf, data.competency, data.reason)
        return Back(in_force=_release(before) if before else None)


async def _competencies(desk: ApiDesk, settings: Settings) -> list[CompetencyDocument]:
    counted = await service.counts(desk.session)
    told = await service.estimates(desk.session, counted, prices(settings.core_hour_price))
    return [
        CompetencyDocument(
            key=key, labels=count.labels, people=count.people,
            estimate=msgspec.to_builtins(told[key]) if key in told else None,
        )
        for key, count in counted.items()
    ]  # fmt: skip


def _run(row: TrainingRun, *, with_card: bool = True) -> RunDocument:
    return RunDocument(
        id=str(row.id), competency=row.competency, state=row.state, share=row.share, verdict=row.verdict,
        artefact=row.artefact, failure=row.failure, estimate=row.estimate, cost=row.cost,
        card=row.card if with_card else None,
    )  # fmt: skip


def _release(row: HeadRelease) -> ReleaseDocument:
    return ReleaseDocument(
        id=str(row.id), competency=row.competency, artefact=row.artefact, run=str(row.run_id), state=row.state,
        promoted_at=row.promoted_at.isoformat() if row.promoted_at else None,
    )  # fmt: skip
