"""Releases of scoring models: into the shadow, into force by a person, back in one step. The shelf follows in the caller."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text, update

from duilian.customization.training.errors import (
    AlreadyReleased,
    GateClosed,
    NothingInForce,
    NotInShadow,
    OtherInForce,
    ReasonNeeded,
    RunNotDone,
    ShadowShort,
)
from duilian.customization.training.models import HeadRelease, TrainingRun
from duilian.infra import audit, events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound

SHADOW, IN_FORCE, RETIRED = "shadow", "in_force", "retired"
LEAST_REASON = 10  # characters
LEAST_LIVE = 10  # live answers judged in the shadow, below which whoever promotes says why
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('models.in-force:' || :tenant, 0))")


async def one_at_a_time(session: TenantSession) -> None:
    """Releases of one tenant follow one another: the shelf names all competencies in one object."""
    await session.execute(_LOCK, {"tenant": str(session.tenant_id)})


async def release_of(session: TenantSession, competency: str, state: str) -> HeadRelease | None:
    query = select(HeadRelease).where(HeadRelease.competency == competency, HeadRelease.state == state)
    return await session.scalar(query)


async def get(session: TenantSession, release_id: UUID) -> HeadRelease:
    """Raises NotFound."""
    row = await session.get(HeadRelease, (session.tenant_id, release_id))
    if row is None:
        raise NotFound
    return row


async def history(session: TenantSession, competency: str) -> list[HeadRelease]:
    """Newest first."""
    query = select(HeadRelease).where(HeadRelease.competency == competency)
    return list(await session.scalars(query.order_by(HeadRelease.shadowed_at.desc())))


async def shadow(session: TenantSession, run: TrainingRun) -> HeadRelease:
    """Another one in the shadow makes room. Raises RunNotDone, GateClosed, OtherInForce, AlreadyReleased."""
    await one_at_a_time(session)
    check_gates(run)
    assert run.artefact is not None
    for state in (IN_FORCE, SHADOW):
        known = await release_of(session, run.competency, state)
        if known is not None and known.artefact == run.artefact:
            raise AlreadyReleased
        if known is not None and state == SHADOW:
            await _retire(session, known, "")
    await check_compared(session, run)
    row = HeadRelease(
        competency=run.competency, artefact=run.artefact, run_id=run.id, state=SHADOW, shadowed_by=session.access.actor,
        shadowed_at=now(), promoted_by=None, promoted_at=None, retired_by=None, retired_at=None, previous_id=None,
        reason="",
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(session, "model.shadowed", "head_release", row.id, after=_facts(row))
    return row


def check_gates(run: TrainingRun) -> None:
    """Raises RunNotDone, GateClosed."""
    if run.state != "done" or run.artefact is None:
        raise RunNotDone
    closed = [str(gate["name"]) for gate in run.gates or [] if gate["state"] == "failed"]
    if closed or run.verdict == "refused":
        raise GateClosed(gates=", ".join(closed), count=len(closed))


async def against(session: TenantSession, competency: str) -> str | None:
    """What a run's model is to be compared with: the release in force, None for the scorer without labels."""
    row = await release_of(session, competency, IN_FORCE)
    return str(row.id) if row else None


async def check_compared(session: TenantSession, run: TrainingRun) -> None:
    """Raises OtherInForce where another one judges now than the run was compared with: "not worse" said nothing of it."""
    if not await is_compared(session, run):
        raise OtherInForce


async def is_compared(session: TenantSession, run: TrainingRun) -> bool:
    return (run.evaluation or {}).get("against") == await against(session, run.competency)


async def promote(session: TenantSession, release_id: UUID, reason: str, live: int) -> HeadRelease:
    """By a person. live: answers it has judged in the shadow. Raises NotFound, NotInShadow, GateClosed, OtherInForce,
    ReasonNeeded, ShadowShort."""
    await one_at_a_time(session)
    row = await get(session, release_id)
    if row.state != SHADOW:
        raise NotInShadow
    run = await session.get_one(TrainingRun, (session.tenant_id, row.run_id))
    check_gates(run)
    await check_compared(session, run)
    if len(reason.strip()) < LEAST_REASON:
        if run.verdict == "warned":
            raise ReasonNeeded(least=LEAST_REASON)
        if live < LEAST_LIVE:
            raise ShadowShort(live=live, least=LEAST_LIVE, length=LEAST_REASON)
    before = await release_of(session, row.competency, IN_FORCE)
    if before is not None:
        await _retire(session, before, "")
    row.state, row.reason, row.previous_id = IN_FORCE, reason.strip(), before.id if before else None
    row.promoted_by, row.promoted_at = session.access.actor, now()
    await session.flush()
    audit.record(
        session, "model.promoted", "head_release", row.id, before=_facts(before) if before else None,
        after=_facts(row) | {"reason": row.reason, "live": live},
    )  # fmt: skip
    return row


async def roll_back(session: TenantSession, competency: str, reason: str) -> HeadRelease | None:
    """To the release before, or None: to the scorer without labels. Raises NothingInForce."""
    await one_at_a_time(session)
    row = await release_of(session, competency, IN_FORCE)
    if row is None:
        raise NothingInForce
    before = await _usable_before(session, row)
    await _retire(session, row, reason.strip())
    if before is not None:
        before.state, before.retired_at, before.retired_by = IN_FORCE, None, None
    await session.flush()
    audit.record(
        session, "model.rolled-back", "head_release", row.id, before=_facts(row),
        after=(_facts(before) if before else {}) | {"reason": reason.strip()},
    )  # fmt: skip
    return before


async def _usable_before(session: TenantSession, row: HeadRelease) -> HeadRelease | None:
    """The last one in force before it that may still judge: people may have left it since."""
    while row.previous_id is not None:
        row = await get(session, row.previous_id)
        run = await session.get_one(TrainingRun, (session.tenant_id, row.run_id))
        if run.artefact is not None and run.verdict != "refused":
            return row
    return None


async def repoint(session: TenantSession, before: str, after: str) -> None:
    """Whatever was released as one artefact is another one now."""
    await session.execute(update(HeadRelease).where(HeadRelease.artefact == before).values(artefact=after))


async def take_out(session: TenantSession) -> dict[str, str | None]:
    """What is released and may judge no longer, because too little is left of it, is so no longer; what is in force
    now, by competency of those that were. A person hears of it."""
    query = (
        select(HeadRelease)
        .join(
            TrainingRun,
            (TrainingRun.tenant_id == HeadRelease.tenant_id) & (TrainingRun.id == HeadRelease.run_id),
        )
        .where(HeadRelease.state != RETIRED, TrainingRun.verdict == "refused")
        .order_by(HeadRelease.id)
    )
    back: dict[str, str | None] = {}
    for row in list(await session.scalars(query)):
        if row.state == SHADOW:
            await stop_shadow(session, row.id)
        else:
            before = await roll_back(session, row.competency, "")
            back[row.competency] = before.artefact if before else None
        facts = {"competency": row.competency, "artefact": row.artefact}
        await events.append(session, "model.taken_out", row.run_id, session.access.actor, **facts)
    return back


async def stop_shadow(session: TenantSession, release_id: UUID) -> HeadRelease:
    """Raises NotFound, NotInShadow."""
    row = await get(session, release_id)
    if row.state != SHADOW:
        raise NotInShadow
    await _retire(session, row, "")
    audit.record(session, "model.shadow-ended", "head_release", row.id, after=_facts(row))
    return row


async def _retire(session: TenantSession, row: HeadRelease, reason: str) -> None:
    row.state, row.retired_by, row.retired_at = RETIRED, session.access.actor, now()
    row.reason = reason or row.reason
    await session.flush()


def _facts(row: HeadRelease) -> dict[str, str]:
    return {"competency": row.competency, "artefact": row.artefact, "state": row.state}
