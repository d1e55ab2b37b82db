"""Choosing anchors, and asking whether they hold: the gate before anything that scores is released.

A run is compared with the baseline, the newest run that a person or a release accepted. The first complete run is
its own baseline: there is nothing it could have moved from. After a release `accept` makes its run the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, nan
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update

from duilian.customization.anchors.errors import NotSettled
from duilian.customization.anchors.models import Anchor, AnchorRun
from duilian.customization.labels.examples import ADJUDICATED, FIRST, SECOND, marks_of
from duilian.customization.labels.models import Example, Rating
from duilian.customization.measurement.drift import LEAST_ANCHORS, Verdict, compare_anchors
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound

LEVELS = (1, 2, 3, 4, 5)
Scores = Mapping[UUID, float | None]


async def add(session: TenantSession, example_id: UUID) -> None:
    """Added twice it stays once. Raises NotFound, NotSettled."""
    example = await session.get(Example, (session.tenant_id, example_id))
    if example is None or example.withheld_at is not None:
        raise NotFound
    if example_id not in await truths(session, [example_id]):
        raise NotSettled
    if await session.scalar(select(Anchor.id).where(Anchor.example_id == example_id)) is None:
        session.add(
            Anchor(
                example_id=example_id,
                added_by=session.access.actor,
                added_at=now(),
                heard=None,
                heard_by=None,
            )
        )
        audit.record(session, "anchor.added", "example", example_id)
        await session.flush()


async def remove(session: TenantSession, example_id: UUID) -> None:
    """Raises NotFound."""
    gone = await session.execute(delete(Anchor).where(Anchor.example_id == example_id).returning(Anchor.id))
    if gone.first() is None:
        raise NotFound
    audit.record(session, "anchor.removed", "example", example_id)


async def anchor_examples(session: TenantSession) -> list[Example]:
    """Those that may still be used, oldest first."""
    query = select(Example).join(Anchor, Anchor.example_id == Example.id).order_by(Example.id)
    return list(await session.scalars(query.where(Example.withheld_at.is_(None))))


async def heard(session: TenantSession) -> dict[UUID, str]:
    """What the recogniser made of the anchors' recordings, by example; those without a recording are missing."""
    query = select(Anchor).where(Anchor.heard_sealed.is_not(None))
    return {row.example_id: row.heard for row in await session.scalars(query)}


async def truths(session: TenantSession, example_ids: list[UUID]) -> dict[UUID, float]:
    """The settled levels: adjudicated, or the one that two raters gave alike. Others are missing."""
    marks = await marks_of(session, example_ids)
    found = {one: settled(kinds) for one, kinds in marks.items()}
    return {one: level for one, level in found.items() if level is not None}


def settled(marks: Mapping[str, Rating]) -> float | None:
    """Anchors of disputed answers only would be harder than the rest; so agreement settles as well."""
    if ADJUDICATED in marks:
        return float(marks[ADJUDICATED].level)
    first, second = marks.get(FIRST), marks.get(SECOND)
    if first is None or second is None or first.level != second.level:
        return None
    return float(first.level)


async def settled_examples(session: TenantSession, competency: str = "") -> dict[UUID, float]:
    """Every answer that may be an anchor or calibrate raters, with its level, oldest first."""
    query = select(Example.id).where(Example.withheld_at.is_(None)).order_by(Example.id)
    chosen = query.where(Example.competency == competency) if competency else query
    return await truths(session, list(await session.scalars(chosen)))


async def anchors_hold(session: TenantSession, scores: Scores) -> Verdict:
    """Would the anchors hold, scored like this? Nothing is written.

    scores: level (1–5, fractions allowed) by example, None where it cannot be scored; other examples are ignored, and
    an anchor that is missing counts as not scored. `verdict.blocked` says that nothing may be released: on a breach,
    and where fewer than 20 anchors are chosen ("unmeasured").
    """
    examples = [example.id for example in await anchor_examples(session)]
    truth = await truths(session, examples)
    known = [one for one in examples if one in truth]
    base = await baseline(session)
    before = base.scores if base else {}
    after = [_number(scores.get(one)) for one in known]
    if not any(str(one) in before for one in known):
        return _first(after)
    # An anchor added since the baseline was scored has nothing to be compared with yet.
    old = [_number(before.get(str(one))) for one in known]
    return compare_anchors([truth[one] for one in known], old, after, LEVELS)


async def keep(
    session: TenantSession, scores: Scores, versions: Mapping[str, str], cause: str, verdict: Verdict
) -> AnchorRun:
    """The run, on record. The first one that holds is the baseline."""
    is_first = verdict.state == "holds" and await baseline(session) is None
    row = AnchorRun(
        cause=cause, versions=dict(versions), scores={str(one): level for one, level in scores.items()},
        verdict=msgspec.to_builtins(verdict), state=verdict.state, is_baseline=is_first,
        ran_by=session.access.actor, ran_at=now(),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    facts = {"state": verdict.state, "breaches": verdict.breaches, "cause": cause}
    audit.record(session, "anchors.scored", "anchor_run", row.id, after=facts)
    return row


async def accept(session: TenantSession, run_id: UUID) -> None:
    """From now on runs are compared with this one: it went into force. Raises NotFound."""
    row = await session.get(AnchorRun, (session.tenant_id, run_id))
    if row is None:
        raise NotFound
    await session.execute(update(AnchorRun).where(AnchorRun.is_baseline).values(is_baseline=False))
    row.is_baseline = True
    audit.record(session, "anchors.accepted", "anchor_run", run_id, after={"state": row.state})
    await session.flush()


async def baseline(session: TenantSession) -> AnchorRun | None:
    return await session.scalar(
        select(AnchorRun).where(AnchorRun.is_baseline).order_by(AnchorRun.id.desc()).limit(1)
    )


async def runs(session: TenantSession, most: int = 50) -> list[AnchorRun]:
    """Newest first."""
    return list(await session.scalars(select(AnchorRun).order_by(AnchorRun.id.desc()).limit(most)))


def _first(after: list[float]) -> Verdict:
    """Nothing to compare with: what counts is that there are enough anchors that can be scored at all."""
    n = sum(isfinite(score) for score in after)
    state = "holds" if n >= LEAST_ANCHORS else "unmeasured"
    return Verdict(state=state, breaches=[], n=n, least=LEAST_ANCHORS)


def _number(value: float | None) -> float:
    return nan if value is None else float(value)
