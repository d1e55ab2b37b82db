"""Calibration sessions (评分校准): raters mark adjudicated answers blind, then see where they stand.

Nobody is given an answer that they rated or adjudicated themselves, and a mark is given once.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from duilian.customization.anchors.service import LEVELS, settled_examples, truths
from duilian.customization.labels.models import Example, Rating
from duilian.customization.labels.rating import Eyes
from duilian.customization.measurement import agreement
from duilian.customization.measurement.bootstrap import interval
from duilian.customization.measurement.results import Estimate, Floats
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.platform.measuring.errors import CalibrationClosed, NoSuchLevel, TooFewAdjudicated
from duilian.platform.measuring.models import Calibration, CalibrationExample, CalibrationMark

LEAST, MOST = 5, 30
LEAST_KAPPA = 10


@dataclass(frozen=True)
class Result:
    """One rater beside what was decided. bias: mean of mark minus decision, positive is lenient, levels."""

    rater: str
    n: int
    exact: float
    adjacent: float
    bias: float
    qwk: Estimate


async def open_calibration(session: TenantSession, title: str, competency: str, size: int) -> Calibration:
    """Chooses adjudicated answers, spread over the levels. Raises TooFewAdjudicated."""
    chosen = await _choose(session, competency, min(MOST, max(LEAST, size)))
    row = Calibration(
        title=title.strip()[:80] or "—", created_by=session.access.actor, created_at=now(), closed_at=None
    )
    session.add(row)
    await session.flush()
    for position, example_id in enumerate(chosen):
        session.add(CalibrationExample(calibration_id=row.id, example_id=example_id, position=position))
    audit.record(session, "calibration.opened", "calibration", row.id, after={"answers": len(chosen)})
    await session.flush()
    return row


async def _choose(session: TenantSession, competency: str, size: int) -> list[UUID]:
    """Round the levels, so that a session does not consist of threes; in an order that says nothing."""
    by_level: dict[int, list[UUID]] = {level: [] for level in LEVELS}
    settled = await settled_examples(session, competency)
    for example_id in sorted(settled, key=lambda one: one.hex[::-1]):
        by_level[int(settled[example_id])].append(example_id)
    found = sum(map(len, by_level.values()))
    if found < LEAST:
        raise TooFewAdjudicated(least=LEAST, found=found)
    chosen: list[UUID] = []
    while len(chosen) < min(size, found):
        chosen += [by_level[level].pop() for level in LEVELS if by_level[level]][: size - len(chosen)]
    return sorted(chosen, key=lambda one: one.hex[::-1])


async def calibration_of(session: TenantSession, calibration_id: UUID) -> Calibration:
    """Raises NotFound."""
    row = await session.get(Calibration, (session.tenant_id, calibration_id))
    if row is None:
        raise NotFound
    return row


async def calibrations(session: TenantSession) -> list[Calibration]:
    """Newest first."""
    return list(await session.scalars(select(Calibration).order_by(Calibration.id.desc()).limit(100)))


async def examples_for(session: TenantSession, eyes: Eyes, calibration_id: UUID) -> list[Example]:
    """What this rater is to mark, in order: not what they themselves rated."""
    own = select(Rating.id).where(
        Rating.tenant_id == Example.tenant_id, Rating.example_id == Example.id, Rating.rater == eyes.rater
    )
    query = (
        select(Example)
        .join(CalibrationExample, CalibrationExample.example_id == Example.id)
        .where(CalibrationExample.calibration_id == calibration_id, eyes.visible(), ~own.exists())
        .order_by(CalibrationExample.position)
    )
    return list(await session.scalars(query))


async def marks_by(session: TenantSession, calibration_id: UUID, rater: str) -> dict[UUID, int]:
    query = select(CalibrationMark.example_id, CalibrationMark.level).where(
        CalibrationMark.calibration_id == calibration_id, CalibrationMark.rater == rater
    )
    rows = await session.execute(query)
    return {row.example_id: row.level for row in rows}


async def mark(
    session: TenantSession, eyes: Eyes, calibration_id: UUID, example_id: UUID, level: int
) -> None:
    """The first mark stands. Raises NotFound, NoSuchLevel, CalibrationClosed."""
    row = await calibration_of(session, calibration_id)
    if row.closed_at is not None:
        raise CalibrationClosed
    if level not in LEVELS:
        raise NoSuchLevel
    if example_id not in {example.id for example in await examples_for(session, eyes, calibration_id)}:
        raise NotFound
    if example_id not in await marks_by(session, calibration_id, eyes.rater):
        session.add(
            CalibrationMark(
                calibration_id=calibration_id, example_id=example_id, rater=eyes.rater, level=level, marked_at=now()
            )
        )  # fmt: skip
        await session.flush()


async def close(session: TenantSession, calibration_id: UUID) -> None:
    """Raises NotFound."""
    row = await calibration_of(session, calibration_id)
    if row.closed_at is None:
        row.closed_at = now()
        audit.record(session, "calibration.closed", "calibration", calibration_id)


async def results(session: TenantSession, calibration_id: UUID, rater: str = "") -> list[Result]:
    """By rater, who marked most first; of one rater only, where named."""
    query = select(CalibrationMark).where(CalibrationMark.calibration_id == calibration_id)
    rows = list(await session.scalars(query.where(CalibrationMark.rater == rater) if rater else query))
    decided = await truths(session, [row.example_id for row in rows])
    raters = sorted({row.rater for row in rows})
    found = [
        _result(one, [(decided[r.example_id], r.level) for r in rows if r.rater == one and r.example_id in decided])
        for one in raters
    ]  # fmt: skip
    return sorted((one for one in found if one.n), key=lambda one: -one.n)


def _result(rater: str, marks: list[tuple[float, int]]) -> Result:
    truth, given = ([float(one[place]) for one in marks] for place in (0, 1))
    bias = sum(g - t for t, g in zip(truth, given, strict=True)) / len(marks) if marks else 0.0
    qwk = interval(_kappa, truth, given, least=LEAST_KAPPA, replicates=500)
    return Result(
        rater, len(marks), agreement.exact(truth, given), agreement.adjacent(truth, given), bias, qwk
    )


def _kappa(truth: Floats, given: Floats) -> float:
    return agreement.qwk(truth, given, LEVELS)
