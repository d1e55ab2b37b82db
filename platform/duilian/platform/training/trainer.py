"""The job `models.train`: dataset version → vectors → model (→ adapter) → evaluation → gates → card.

May be killed anywhere and run again: nothing is kept but progress until everything is. Learning runs in a thread, so
that the worker goes on with live answers; between two steps it looks whether somebody cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from duilian.customization.anchors import service as anchors
from duilian.customization.lab.judging import Judged, judge_lines
from duilian.customization.lab.learning import learn
from duilian.customization.lab.lines import Line
from duilian.customization.labels.examples import LabelledLine, as_lines, lines_of
from duilian.customization.labels.models import Example
from duilian.customization.measurement.drift import Verdict
from duilian.customization.training import datasets, evaluating, gates
from duilian.customization.training.card import card_of
from duilian.customization.training.evaluating import Evaluation, Reader
from duilian.customization.training.models import DatasetVersion, TrainingRun
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.measuring.gaps import group_gaps
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.training import service
from duilian.platform.training.adapting import Adapting, Result
from duilian.platform.training.comparing import Comparison
from duilian.platform.training.progress import Progress, Stopped
from duilian.platform.training.vectors import RemoteVectors, texts_of
from duilian.serving.client import ServingClient
from duilian.serving.scoring.learned.model import Model
from duilian.serving.scoring.learned.observe import Observer
from duilian.tenants.keyring import OpenTenantKey, keys_of


@dataclass(frozen=True)
class _Work:
    """unseen: anchors of the competency that are not in the dataset; others: anchors of other competencies."""

    run_id: UUID
    dataset: DatasetVersion
    competency: str
    adapt: bool
    labelled: list[LabelledLine]
    lines: list[Line]
    anchors: list[UUID]
    unseen: list[LabelledLine]
    others: list[UUID]
    key: OpenTenantKey
    began: float


class Trainer:
    def __init__(
        self, database: Database, store: ObjectStore, serving: ServingClient, settings: Settings
    ) -> None:
        self._database, self._store, self._serving, self._settings = database, store, serving, settings

    async def run(self, tenant_id: UUID, run_id: str) -> None:
        try:
            await self._train(tenant_id, await self._begin(tenant_id, UUID(run_id)))
        except Stopped:
            return
        except Problem as problem:
            if problem.status >= 500:  # a part of ours is down: tried again
                raise
            failure = {"code": problem.code, "zh": problem.sentence("zh-CN"), "en": problem.sentence("en")}
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
        await vectors.read(texts_of([*work.lines, *as_lines(work.unseen)]), progress.told)
        plain = (Observer(vectors), vectors.encoder)
        result = await self._learn(work, progress, plain)
        await progress.step(service.EVALUATING, 0.8, 0.9)
        comparison = Comparison(self._database, self._store, self._serving, tenant_id)
        current = await comparison.current(work.competency, work.labelled, progress.told)
        others = await comparison.means(work.others, progress.told, as_heard=True)
        await progress.step(service.EVALUATING, 0.9, 1.0)
        found = await progress.threaded(
            evaluating.evaluate, work.lines, result.judged, current, result.learned, result.reader[0], plain, progress.tick
        )  # fmt: skip
        held = others | _anchor_scores(work, result)
        async with self._database.begin(tenant_id) as session:
            verdict = await anchors.anchors_hold(session, held)
            await self._keep(session, work, result, found, verdict)

    async def _learn(self, work: _Work, progress: Progress, reader: Reader) -> Result:
        """On the shared encoder, then, where it was asked for, on one fine-tuned to the labels."""
        await progress.step(service.LEARNING, 0.2, 0.4 if work.adapt else 0.8)
        learned = await progress.threaded(learn, work.lines, *reader, work.competency)
        judged = await progress.threaded(evaluating.cross_judged, work.lines, [reader], progress.tick)
        result = Result(learned, judged, reader)
        if not work.adapt:
            return result
        unseen = as_lines(work.unseen)
        return await Adapting(self._serving, self._settings, progress, work.lines, unseen).beside(result)

    async def _keep(
        self,
        session: TenantSession,
        work: _Work,
        result: Result,
        found: Evaluation,
        held: Verdict,
    ) -> None:
        """Everything at once; the artefact first, where nobody looks until the row names it. Raises Stopped."""
        row = await session.get(TrainingRun, (session.tenant_id, work.run_id), with_for_update=True)
        if row is None or row.state not in service.UNDER_WAY:
            raise Stopped
        gaps = await group_gaps(self._database, session, _marks(work, result.judged))
        asked = gates.all_gates(found, work.dataset.labels, work.dataset.people, gaps, held)
        row.artefact = await HeadShelf(self._store, work.key).put(result.learned)
        row.state, row.share, row.ended_at = service.DONE, 1.0, now()
        row.seconds, row.verdict = round(time.monotonic() - work.began, 1), gates.verdict(asked)
        row.gates = msgspec.to_builtins(asked)
        row.evaluation = msgspec.to_builtins(found)
        row.held_out = {
            str(one.example_id): said.expected for one, said in zip(work.labelled, result.judged, strict=True)
        }
        row.card = card_of(
            row, work.dataset, work.labelled, found, gaps, held, result.learned, result.adaptation
        )
        audit.record(session, "training.done", "training_run", row.id, after={"verdict": row.verdict, "artefact": row.artefact})  # fmt: skip


async def _work(
    session: TenantSession, row: TrainingRun, dataset: DatasetVersion, chosen: list[Example]
) -> _Work:
    labelled = await datasets.thaw(session, dataset)
    known = {line.example_id for line in labelled}
    mine = {one.id for one in chosen if one.competency == row.competency}
    lines = await lines_of(session, competency=row.competency) if mine - known else []
    return _Work(
        run_id=row.id, dataset=dataset, competency=row.competency, adapt=row.adapt, labelled=labelled, lines=as_lines(labelled),
        anchors=sorted(mine), unseen=[line for line in lines if line.example_id in mine - known],
        others=[one.id for one in chosen if one.id not in mine], key=keys_of(session), began=time.monotonic(),
    )  # fmt: skip


def _anchor_scores(work: _Work, result: Result) -> dict[UUID, float | None]:
    """Of anchors that it learned from, what it says without having seen their person."""
    held = {line.example_id: said.expected for line, said in zip(work.labelled, result.judged, strict=True)}
    if work.unseen:
        said = judge_lines(Model(result.learned), as_lines(work.unseen), result.reader[0])
        held |= {line.example_id: one.expected for line, one in zip(work.unseen, said, strict=True)}
    return {one: held.get(one) for one in work.anchors}


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
            row.state, row.ended_at, row.failure = service.FAILED, now(), failure or {"code": "job-failed"}
