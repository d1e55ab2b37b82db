"""What a threshold of the gate would have done to the answers the tenant already has: shares, with their n.

Counted are the newest answers that were heard, whatever became of them; nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from duilian.infra.database import TenantSession
from duilian.platform.scoring.models import Analysis

NEWEST = 300  # answers; each is opened with the tenant's key
FEW = 30  # answers, under which a share says little
STEPS: dict[str, tuple[float, ...]] = {
    "least_seconds": (1, 3, 5, 8, 12, 15),
    "least_confidence": (0.2, 0.35, 0.45, 0.55, 0.65, 0.8),
    "off_topic": (0.1, 0.25, 0.4, 0.55, 0.7, 0.8),
}


@dataclass(frozen=True)
class Consequence:
    """name: of the threshold; n: answers it applies to; shares: (value, share under it), 0–1."""

    name: str
    n: int
    shares: list[tuple[float, float]]

    @property
    def few(self) -> bool:
        return self.n < FEW


async def consequences(session: TenantSession, in_force: dict[str, float]) -> list[Consequence]:
    """Per threshold, at fixed steps and at the value in force."""
    measured = await _measured(session)
    return [_of(name, measured[name], {*steps, in_force[name]}) for name, steps in STEPS.items()]


def _of(name: str, values: list[float], steps: set[float]) -> Consequence:
    shares = [
        (step, sum(v < step for v in values) / len(values) if values else 0.0) for step in sorted(steps)
    ]
    return Consequence(name, len(values), shares)


async def _measured(session: TenantSession) -> dict[str, list[float]]:
    """Speech and confidence of what was spoken, topicality of what was judged."""
    found: dict[str, list[float]] = {name: [] for name in STEPS}
    rows = await session.scalars(select(Analysis).order_by(Analysis.created_at.desc()).limit(NEWEST))
    for row in rows:
        if row.transcript is not None and row.transcript["audio_seconds"]:
            found["least_seconds"].append(row.transcript["speech_seconds"])
            found["least_confidence"].append(row.transcript["confidence"])
        if row.judged is not None:
            found["off_topic"].append(row.judged["on_topic"])
    return found
