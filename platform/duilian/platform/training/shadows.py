"""What a model in the shadow said beside what counted: figures over live answers, and nobody's answer."""

from __future__ import annotations

from functools import partial
from math import nan
from uuid import UUID

import msgspec
import numpy as np
from sqlalchemy import func, select

from duilian.customization.measurement.agreement import exact, qwk, smd
from duilian.customization.measurement.bootstrap import interval
from duilian.customization.measurement.results import Estimate, Floats, floats
from duilian.customization.training.folds import LEVELS
from duilian.customization.training.models import HeadRelease, ShadowScore
from duilian.infra.database import TenantSession

LEAST = 10


class ShadowFigures(msgspec.Struct, frozen=True, kw_only=True):
    """n: answers judged by both. differences: answers by shadow − counted, in levels from −2 (or less) to 2 (or more).
    only_counted, only_shadow: answers in which one of the two alone saw evidence."""

    answers: int
    n: int
    agreement: Estimate
    same: Estimate
    smd: Estimate
    differences: list[int]
    only_counted: int
    only_shadow: int


async def figures(session: TenantSession, release: HeadRelease) -> ShadowFigures:
    query = select(ShadowScore.counted, ShadowScore.shadow).where(ShadowScore.release_id == release.id)
    rows = list(await session.execute(query))
    counted, shadow = (floats([nan if row[n] is None else row[n] for row in rows]) for n in (0, 1))
    both = np.isfinite(counted) & np.isfinite(shadow)
    first, second = counted[both], shadow[both]
    apart = np.clip(np.rint(second) - np.rint(first), -2, 2)
    return ShadowFigures(
        answers=len(rows),
        n=int(both.sum()),
        agreement=interval(partial(qwk, points=LEVELS), first, second, least=LEAST),
        same=interval(_same, first, second, least=LEAST),
        smd=interval(smd, first, second, least=LEAST),
        differences=[int((apart == step).sum()) for step in (-2, -1, 0, 1, 2)],
        only_counted=int((np.isfinite(counted) & ~both).sum()),
        only_shadow=int((np.isfinite(shadow) & ~both).sum()),
    )


def _same(first: Floats, second: Floats) -> float:
    return exact(np.rint(first), np.rint(second))


async def seen(session: TenantSession, release_id: UUID) -> int:
    """Live answers that a release has judged."""
    query = select(func.count()).select_from(ShadowScore).where(ShadowScore.release_id == release_id)
    return int(await session.scalar(query) or 0)
