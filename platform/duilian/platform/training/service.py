"""What people do with training runs: start one, watch it, cancel it, release its model, take it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.customization.anchors.later import score_later
from duilian.customization.labels.examples import as_lines, marks_of
from duilian.customization.labels.models import Example
from duilian.customization.training import costs, datasets, releases
from duilian.customization.training.adapting import check_counts, check_environment, check_labels
from duilian.customization.training.errors import RunOver
from duilian.customization.training.models import DatasetVersion, HeadRelease, TrainingRun
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound, Problem
from duilian.infra.jobs import defer
from duilian.infra.settings import Settings
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.training import shadows
from duilian.serving.loading import ADAPTABLE
from duilian.serving.manifest import find

TRAIN = "models.train"
QUEUED, READING, LEARNING, ADAPTING, EVALUATING = "queued", "reading", "learning", "adapting", "evaluating"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
UNDER_WAY = (QUEUED, READING, LEARNING, ADAPTING, EVALUATING)


async def start(
    session: TenantSession, competency: str, price: costs.Money, adapt_with: Settings | None = None
) -> TrainingRun:
    """Freezes the labels as they stand and writes the job. price: of a core hour. adapt_with: the settings, where the encoder
    is to be fine-tuned too. Raises TooFewToTrain, TooFewToAdapt, OtherLanguage, TrainingEnvironmentMissing."""
    dataset = await datasets.freeze(session, competency)
    if adapt_with:
        check_labels(as_lines(await datasets.thaw(session, dataset)))
        check_environment(adapt_with)
    told = costs.estimate(dataset.labels, await past(session), price)
    row = TrainingRun(
        dataset_id=dataset.id, competency=competency, adapt=adapt_with is not None, state=QUEUED, share=0.0,
        seconds=None, estimate=msgspec.to_builtins(told), cost=None, evaluation=None, held_out=None,
        taught_by=None, card=None, artefact=None, gates=None, verdict=None, failure=None,
        created_by=session.access.actor, created_at=now(), ended_at=None,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(session, "training.started", "training_run", row.id, after={"competency": competency, "dataset": dataset.sha256, "adapt": row.adapt})  # fmt: skip
    await defer(session, TRAIN, lock=f"{TRAIN}:{session.tenant_id}", run_id=str(row.id))
    return row


async def run_of(session: TenantSession, run_id: UUID, *, lock: bool = False) -> TrainingRun:
    """Raises NotFound."""
    row = await session.get(TrainingRun, (session.tenant_id, run_id), with_for_update=lock or None)
    if row is None:
        raise NotFound
    return row


async def runs(session: TenantSession, most: int = 50) -> list[TrainingRun]:
    """Newest first."""
    query = select(TrainingRun).order_by(TrainingRun.created_at.desc(), TrainingRun.id.desc())
    return list(await session.scalars(query.limit(most)))


async def past(session: TenantSession) -> list[costs.Past]:
    """The newest runs that were measured, to correct estimates by."""
    query = select(TrainingRun, DatasetVersion.labels).join(
        DatasetVersion, DatasetVersion.id == TrainingRun.dataset_id
    )
    query = query.where(TrainingRun.state == DONE).order_by(TrainingRun.created_at.desc())
    found = await session.execute(query.limit(costs.MOST_PAST))
    return [
        costs.Past(labels=labels, seconds=cost.seconds, core_seconds=cost.core_seconds)
        for row, labels in found
        if row.cost and (cost := msgspec.convert(row.cost, costs.Cost))
    ]


async def dataset_of(session: TenantSession, run: TrainingRun) -> DatasetVersion:
    return await session.get_one(DatasetVersion, (session.tenant_id, run.dataset_id))


async def cancel(session: TenantSession, run_id: UUID) -> TrainingRun:
    """The job sees it at its next step. Raises NotFound, RunOver."""
    row = await run_of(session, run_id, lock=True)
    if row.state not in UNDER_WAY:
        raise RunOver
    row.state, row.ended_at = CANCELLED, now()
    audit.record(session, "training.cancelled", "training_run", row.id)
    return row


async def shadow(session: TenantSession, run_id: UUID) -> HeadRelease:
    return await releases.shadow(session, await run_of(session, run_id))


async def promote(session: TenantSession, shelf: HeadShelf, release_id: UUID, reason: str) -> HeadRelease:
    """Rows first: whatever refuses, refuses before the shelf is touched. Interviews under way keep what judged them."""
    live = await shadows.seen(session, release_id)
    row = await releases.promote(session, release_id, reason, live)
    await score_later(session)
    await shelf.put_in_force(row.competency, row.artefact)
    return row


async def roll_back(
    session: TenantSession, shelf: HeadShelf, competency: str, reason: str
) -> HeadRelease | None:
    before = await releases.roll_back(session, competency, reason)
    await score_later(session)
    await shelf.put_in_force(competency, before.artefact if before else None)
    return before


class Count(NamedTuple):
    """Of what may be used: labels, different known people, labels in a language that the adaptable encoder does not read."""

    labels: int = 0
    people: int = 0
    foreign: int = 0


async def counts(session: TenantSession) -> dict[str, Count]:
    """By competency."""
    query = select(Example.id, Example.competency, Example.person_index, Example.language).where(
        Example.withheld_at.is_(None), Example.competency != ""
    )
    rows = list(await session.execute(query))
    marked = set(await marks_of(session, [row.id for row in rows]))
    found: dict[str, Count] = {}
    for competency in sorted({row.competency for row in rows}):
        mine = [row for row in rows if row.competency == competency and row.id in marked]
        foreign = sum(row.language not in find(ADAPTABLE).languages for row in mine)
        found[competency] = Count(
            len(mine), len({row.person_index for row in mine if row.person_index}), foreign
        )
    return found


async def estimates(
    session: TenantSession, counted: Mapping[str, Count], price: costs.Money
) -> dict[str, costs.Estimate]:
    """Of a run now, by competency; without those that have too few labels. counted: by `counts`."""
    known = await past(session)
    return {
        key: costs.estimate(count.labels, known, price)
        for key, count in counted.items()
        if count.labels >= datasets.LEAST_LABELS
    }


def obstacle(count: Count, settings: Settings) -> Problem | None:
    """Why the encoder cannot be fine-tuned to these labels, as far as their number tells and this machine shows."""
    try:
        check_counts(count.labels, count.foreign)
        check_environment(settings)
    except Problem as problem:
        return problem
    return None
