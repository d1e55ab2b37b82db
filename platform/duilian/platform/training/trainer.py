"""The job `models.train`: dataset version → vectors → model (→ adapter) → evaluation → gates → card.

May be killed anywhere and run again: nothing is kept but progress until everything is. Learning runs in a thread, so
that the worker goes on with live answers; between two steps it looks whether somebody cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

import msgspec

from duilian.customization import marked
from duilian.customization.anchors import service as anchors
from duilian.customization.lab.judging import Judged
from duilian.customization.lab.lines import Line
from duilian.customization.labels.examples import LabelledLine, as_lines
from duilian.customization.labels.models import Example
from duilian.customization.measurement.drift import Verdict
from duilian.customization.training import costs, datasets, evaluating, gates, releases, unlearning
from duilian.customization.training.card import card_of
from duilian.customization.training.costs import Cost
from duilian.customization.training.evaluating import Evaluation
from duilian.customization.training.folds import Material, in_order
from duilian.customization.training.models import DatasetVersion, TrainingRun
from duilian.infra import audit, events
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.measuring.gaps import group_figures
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.training import service
from duilian.platform.training.adapting import Adapting, Result
from duilian.platform.training.benches import Bench
from duilian.platform.training.comparing import Comparison, means_of
from duilian.platform.training.meter import Meter
from duilian.platform.training.progress import Progress, Stopped
from duilian.platform.training.rehearsing import Rehearsal
from duilian.platform.training.vectors import RemoteVectors, texts_of
from duilian.serving.client import ServingClient
from duilian.serving.scoring.artefact import pack
from duilian.tenants.keyring import OpenTenantKey, keys_of
from duilian.tenants.service import current_tenant


@dataclass(frozen=True)
class _Work:
    """unseen: anchors of the competency that are not in the dataset; others: anchors of other competencies."""

    run_id: UUID
    dataset: DatasetVersion
    competency: str
    adapt: bool
    labelled: list[LabelledLine]
    good: dict[str, str]  # of good examples that they are compared with: sha256 of the answer by example
    lines: list[Line]
    industry: list[Line]  # marked answers of the company's industry pack
    anchors: list[UUID]
    unseen: list[UUID]
    others: list[UUID]
    against: str | None  # what judged when it began (releases.against)
    key: OpenTenantKey


class _Live(NamedTuple):
    """judged: each label's answer by a model without its person; current: by what is in force. unseen, others: anchors, by
    the model and by what is in force. All as live answers are, mean levels."""

    judged: list[Judged]
    current: list[float | None]
    unseen: dict[UUID, float | None]
    others: dict[UUID, float | None]


class Trainer:
    """bench: where it learns. price: of a core hour, minor units by currency."""

    def __init__(
        self, database: Database, store: ObjectStore, serving: ServingClient, settings: Settings, bench: Bench,
        price: costs.Money,
    ) -> None:  # fmt: skip
        self._database, self._store, self._serving, self._settings = database, store, serving, settings
        self._bench, self._price = bench, price

    async def run(self, tenant_id: UUID, run_id: str) -> None:
        try:
            await self._train(tenant_id, await self._begin(tenant_id, UUID(run_id)))
        except Stopped:
            return
        except Problem as problem:
            failure = {"code": problem.code, "zh": problem.sentence("zh-CN"), "en": problem.sentence("en")}
            if problem.status >= 500:  # a part of ours is down: said on the page, and tried again
                await _waiting(self._database, tenant_id, run_id, failure)
                raise
            await give_up(self._database, tenant_id, run_id, failure)

    async def _begin(self, tenant_id: UUID, run_id: UUID) -> _Work:
        """Raises Stopped, DatasetChanged."""
        async with self._database.begin(tenant_id) as session:
            row = await session.get(TrainingRun, (tenant_id, run_id))
            if row is None or row.state not in service.UNDER_WAY:
                raise Stopped
            dataset = await service.dataset_of(session, row)
            return await _work(session, row, dataset, await anchors.anchor_examples(session))

    async def _train(self, tenant_id: UUID, work: _Work) -> None:
        progress, vectors = Progress(self._database, tenant_id, work.run_id), RemoteVectors(self._serving)
        await progress.step(service.READING, 0.0, 0.2)
        with progress.meter.tier():
            await vectors.read(texts_of([*work.lines, *work.industry]), progress.told)
        material = Material(work.lines, vectors.known, vectors.encoder, work.industry)
        result = await self._learn(work, progress, material)
        with progress.meter.tier():
            result, live = await self._rehearse(tenant_id, work, progress, result)
        await progress.step(service.EVALUATING, 0.93, 1.0)
        found = await progress.threaded(
            evaluating.evaluate, work.lines, live.judged, in_order(result.folds), live.current, result.learned,
            result.reader.observer, material.reader, progress.tick,
        )  # fmt: skip
        held = live.others | _anchor_scores(work, live)
        async with self._database.begin(tenant_id) as session:
            verdict = await anchors.anchors_hold(session, held)
            await self._keep(session, work, result, live.judged, found, verdict, progress.meter)

    async def _learn(self, work: _Work, progress: Progress, material: Material) -> Result:
        """On the shared encoder, then, where it was asked for, on one fine-tuned to the labels."""
        await progress.step(service.LEARNING, 0.2, 0.4 if work.adapt else 0.8)
        head, folds, seconds = await progress.watched(self._bench.learn, material, progress.tick)
        progress.meter.core_seconds += seconds
        result = Result(msgspec.structs.replace(head, competency=work.competency), folds, material.reader)
        if not work.adapt:
            return result
        adapting = Adapting(self._serving, self._settings, progress, work.lines, work.industry)
        return await adapting.beside(result)

    async def _rehearse(
        self, tenant_id: UUID, work: _Work, progress: Progress, result: Result
    ) -> tuple[Result, _Live]:
        """The model, knowing how far off it is together with the rubric; and what both, and what is in force, say."""
        comparison = Comparison(self._database, self._store, self._serving, tenant_id)
        rehearsal = Rehearsal(comparison, progress, tenant_id, work.competency)
        await progress.step(service.EVALUATING, 0.8, 0.87)
        judged, joint, offset = await rehearsal.of_folds(work.labelled, result.folds)
        learned = msgspec.structs.replace(result.learned, joint=joint, offset=offset)
        result = replace(result, learned=learned)
        await progress.step(service.EVALUATING, 0.87, 0.88)
        unseen = await rehearsal.by(result.learned, work.unseen, progress.told)
        await progress.step(service.EVALUATING, 0.88, 0.93)
        current = await comparison.current(work.competency, work.labelled, progress.told)
        others = await comparison.opinions(work.others, progress.told, as_heard=True)
        return result, _Live(judged, current, means_of(unseen), means_of(others))

    async def _keep(
        self,
        session: TenantSession,
        work: _Work,
        result: Result,
        judged: Sequence[Judged],
        found: Evaluation,
        held: Verdict,
        meter: Meter,
    ) -> None:
        """Everything at once; the artefact first, where nobody looks until the row names it. Nobody's labels go meanwhile
        without the unlearner finding them here. Raises Stopped, DatasetChanged."""
        await releases.one_at_a_time(session)
        await datasets.check_held(session, work.dataset, work.good)
        row = await session.get(TrainingRun, (session.tenant_id, work.run_id), with_for_update=True)
        if row is None or row.state not in service.UNDER_WAY:
            raise Stopped
        groups = await group_figures(self._database, session, _marks(work, judged))
        asked = gates.all_gates(found, work.dataset.labels, work.dataset.people, groups, held)
        row.artefact = await HeadShelf(self._store, work.key).put(result.learned)
        row.state, row.share, row.ended_at = service.DONE, 1.0, now()
        row.failure = None
        row.seconds, row.verdict = round(meter.seconds, 1), gates.verdict(asked)
        cost = self._cost(meter, len(pack(result.learned)[0]))
        row.cost = msgspec.to_builtins(cost)
        row.gates = msgspec.to_builtins(asked)
        row.evaluation = msgspec.to_builtins(found) | {"against": work.against}
        row.held_out = {
            str(one.example_id): said.expected for one, said in zip(work.labelled, judged, strict=True)
        }
        row.taught_by = msgspec.to_builtins(
            unlearning.Taught(rows=_names(work.labelled), references=work.good)
        )
        row.card = card_of(
            row, work.dataset, work.labelled, found, groups, held, result.learned, result.adaptation,
            len(work.industry),
        )  # fmt: skip
        await events.append(session, "training.measured", row.id, "system", **msgspec.to_builtins(cost))
        audit.record(session, "training.done", "training_run", row.id, after={"verdict": row.verdict, "artefact": row.artefact})  # fmt: skip

    def _cost(self, meter: Meter, size: int) -> Cost:
        return Cost(
            seconds=round(meter.seconds, 1), core_seconds=round(meter.core_seconds, 2),
            tier_seconds=round(meter.tier_seconds, 1), bytes=size, where=self._bench.where,
            money=costs.money(meter.core_seconds, self._price),
        )  # fmt: skip


async def _work(
    session: TenantSession, row: TrainingRun, dataset: DatasetVersion, chosen: list[Example]
) -> _Work:
    labelled = await datasets.thaw(session, dataset)
    known = {line.example_id for line in labelled}
    mine = {one.id for one in chosen if one.competency == row.competency}
    return _Work(
        run_id=row.id, dataset=dataset, competency=row.competency, adapt=row.adapt, labelled=labelled,
        good=await unlearning.good_examples(session, row.competency), lines=_named(labelled),
        industry=marked.lines((await current_tenant(session)).industry, row.competency),
        anchors=sorted(mine), unseen=sorted(mine - known),
        others=[one.id for one in chosen if one.id not in mine],
        against=await releases.against(session, row.competency), key=keys_of(session),
    )  # fmt: skip


def _names(labelled: Sequence[LabelledLine]) -> dict[str, str]:
    """By example: under which it stands in the artefact."""
    return {str(one.example_id): unlearning.name_of(one.example_id, one.person) for one in labelled}


def _named(labelled: Sequence[LabelledLine]) -> list[Line]:
    names = _names(labelled)
    pairs = zip(labelled, as_lines(labelled), strict=True)
    return [msgspec.structs.replace(line, person=names[str(one.example_id)]) for one, line in pairs]


def _anchor_scores(work: _Work, live: _Live) -> dict[UUID, float | None]:
    """Of anchors that it learned from, what was said without having seen their person."""
    said = {line.example_id: one.expected for line, one in zip(work.labelled, live.judged, strict=True)}
    return {one: said.get(one, live.unseen.get(one)) for one in work.anchors}


def _marks(work: _Work, judged: Sequence[Judged]) -> list[tuple[str, float, float]]:
    """Person, the human's mark, the model's; of known people only."""
    return [
        (line.person, line.score, said.expected)
        for line, said in zip(work.lines, judged, strict=True)
        if line.person and line.score is not None and said.expected is not None
    ]


async def give_up(
    database: Database, tenant_id: UUID, run_id: str, failure: dict[str, str] | None = None
) -> None:
    """The run is over without a model; a person may start another."""
    async with database.begin(tenant_id) as session:
        row = await session.get(TrainingRun, (tenant_id, UUID(run_id)), with_for_update=True)
        if row is not None and row.state in service.UNDER_WAY:
            row.state, row.ended_at = service.FAILED, now()
            row.failure = failure or row.failure or {"code": "job-failed"}


async def _waiting(database: Database, tenant_id: UUID, run_id: str, failure: dict[str, str]) -> None:
    async with database.begin(tenant_id) as session:
        row = await session.get(TrainingRun, (tenant_id, UUID(run_id)), with_for_update=True)
        if row is not None and row.state in service.UNDER_WAY:
            row.failure = dict(failure)
