"""Proposing: the job that looks at every set, and what a person does with a proposal before it is published."""

from __future__ import annotations

import asyncio
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.measurement.results import plain
from duilian.customization.models import PublishedSet
from duilian.customization.service import content_of, newest_set, newest_sets
from duilian.infra import audit, events
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotFound
from duilian.infra.ids import new_id
from duilian.infra.jobs import defer
from duilian.platform.measuring.gather import gather
from duilian.platform.measuring.service import declared
from duilian.platform.reports.models import Report
from duilian.platform.revising import errors
from duilian.platform.revising.effects import Row, effect_of
from duilian.platform.revising.findings import Json, find, reworded
from duilian.platform.revising.gather import Known, known
from duilian.platform.revising.models import RevisionEffect, RevisionProposal, RevisionSignals
from duilian.platform.revising.values import Values, read, revised, same

PROPOSE, REPLAY = "sets.propose", "sets.replay"
OPEN, SUPERSEDED, REJECTED = "open", "superseded", "rejected"


async def propose_later(session: TenantSession) -> None:
    await defer(session, PROPOSE, lock=f"{PROPOSE}:{session.tenant_id}")


async def proposal_of(session: TenantSession, proposal_id: UUID, *, lock: bool = False) -> RevisionProposal:
    """Raises NotFound."""
    row = await session.get(RevisionProposal, (session.tenant_id, proposal_id), with_for_update=lock or None)
    if row is None:
        raise NotFound
    return row


async def proposals(session: TenantSession, set_key: str = "", most: int = 50) -> list[RevisionProposal]:
    """Newest first."""
    query = select(RevisionProposal).order_by(RevisionProposal.id.desc()).limit(most)
    if set_key:
        query = query.where(RevisionProposal.set_key == set_key)
    return list(await session.scalars(query))


async def signals(session: TenantSession) -> dict[str, RevisionSignals]:
    """By set, as last counted."""
    return {row.set_key: row for row in await session.scalars(select(RevisionSignals))}


async def change(session: TenantSession, proposal_id: UUID, values: Values) -> RevisionProposal:
    """Other values than proposed; the effect is replayed before they can be published. Raises NotFound, ProposalClosed,
    BadWeights, BadCuts, BadOrder, BadWording."""
    row = await opened(session, proposal_id)
    revised(content_of(await _base(session, row)), values)
    before = row.chosen
    row.chosen, row.effect = plain(values), None
    row.changed_by, row.changed_at = session.access.actor, now()
    await session.execute(delete(RevisionEffect).where(RevisionEffect.proposal_id == row.id))
    audit.record(
        session, "proposal.changed", "proposal", row.id, before=_facts(before), after=_facts(row.chosen)
    )
    await defer(session, REPLAY, lock=f"{PROPOSE}:{session.tenant_id}", proposal_id=str(row.id))
    return row


async def opened(session: TenantSession, proposal_id: UUID) -> RevisionProposal:
    """Locked. Raises NotFound, ProposalClosed."""
    row = await proposal_of(session, proposal_id, lock=True)
    if row.state != OPEN:
        raise errors.ProposalClosed
    return row


def _facts(values: Json) -> Json:
    """Without the words of questions: the log holds none."""
    return {name: values[name] for name in ("weights", "cuts", "order")} | {
        "reworded": sorted(values["texts"])
    }


async def _base(session: TenantSession, row: RevisionProposal) -> PublishedSet:
    return await session.get_one(PublishedSet, (session.tenant_id, row.base_id))


class Proposer:
    """The tasks `sets.propose` and `sets.replay`. Repeated, they find the same in the same rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, tenant_id: UUID) -> None:
        """Every set in turn, each in a transaction of its own."""
        async with self._database.begin(tenant_id) as session:
            rows = await gather(session)
            choices = await declared(self._database, session)
            sets = [row.key for row in await newest_sets(session)]
        for key in sets:
            async with self._database.begin(tenant_id) as session:
                published = await newest_set(session, key)
                found = await known(self._database, session, content_of(published), rows)
            values, findings = await asyncio.to_thread(find, found)
            effect, totals = await asyncio.to_thread(effect_of, found, values, values, findings, choices)
            async with self._database.begin(tenant_id) as session:
                await _keep_signals(session, key, published.version, findings)
                await _keep(session, published, found, values, findings, (effect, totals))

    async def replay(self, tenant_id: UUID, proposal_id: str) -> None:
        """The effect of values that a person chose."""
        async with self._database.begin(tenant_id) as session:
            row = await session.get(RevisionProposal, (tenant_id, UUID(proposal_id)))
            if row is None or row.state != OPEN or row.effect is not None:
                return
            base = content_of(await _base(session, row))
            rows, choices = await gather(session), await declared(self._database, session)
            found = await known(self._database, session, base, rows)
            chosen, proposed, findings, changed = (
                read(row.chosen),
                read(row.proposed),
                row.findings,
                row.changed_at,
            )
        effect, totals = await asyncio.to_thread(effect_of, found, chosen, proposed, findings, choices)
        async with self._database.begin(tenant_id) as session:
            row = await proposal_of(session, UUID(proposal_id), lock=True)
            if row.state == OPEN and row.changed_at == changed:
                row.effect = effect
                await _keep_totals(session, row.id, totals)


async def _keep_signals(session: TenantSession, key: str, version: int, findings: Json) -> None:
    values = {"content": findings | {"version": version}, "computed_at": now()}
    row = {"tenant_id": session.tenant_id, "id": new_id(), "set_key": key, **values}
    await session.execute(
        insert(RevisionSignals)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "set_key"], set_=values)
    )
    audit.record(
        session, "set.looked-at", "tenant", session.tenant_id, after={"set": key, "version": version}
    )


async def _keep(
    session: TenantSession, published: PublishedSet, found: Known, values: Values, findings: Json,
    effect: tuple[Json, list[Row]],
) -> None:  # fmt: skip
    """One open proposal a set. One that a person works on stays as it is while its version is in force."""
    standing = await _standing(session, published.key)
    if standing is not None and standing.base_id == published.id and standing.changed_at is not None:
        return
    worth = not same(values, found.content) or bool(reworded(findings))
    if standing is not None and (
        not worth or standing.base_id != published.id or read(standing.proposed) != values
    ):
        standing.state, standing.decided_at, standing.decided_by = SUPERSEDED, now(), "system"
        await session.flush()
        standing = None
    if not worth or (standing is None and await _refused(session, published, values)):
        return
    if standing is None:
        standing = await _new(session, published, values, findings)
    standing.findings, standing.effect = findings, effect[0]
    await session.flush()
    await _keep_totals(session, standing.id, effect[1])


async def _standing(session: TenantSession, key: str) -> RevisionProposal | None:
    query = select(RevisionProposal).where(RevisionProposal.set_key == key, RevisionProposal.state == OPEN)
    return await session.scalar(query.with_for_update())


async def _refused(session: TenantSession, published: PublishedSet, values: Values) -> bool:
    """Whether a person has said no to just this."""
    query = select(RevisionProposal.proposed).where(
        RevisionProposal.base_id == published.id, RevisionProposal.state == REJECTED
    )
    return any(read(proposed) == values for proposed in await session.scalars(query))


async def _new(
    session: TenantSession, published: PublishedSet, values: Values, findings: Json
) -> RevisionProposal:
    found = plain(values)
    row = RevisionProposal(
        set_key=published.key, base_id=published.id, base_version=published.version, state=OPEN,
        proposed=found, chosen=found, findings=findings, effect=None, made_at=now(), changed_by=None,
        changed_at=None, decided_by=None, decided_at=None, reason="", published_id=None,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    await events.append(
        session, "proposal.made", row.id, "system", set=published.key, version=published.version
    )
    return row


async def _keep_totals(session: TenantSession, proposal_id: UUID, totals: list[Row]) -> None:
    """Only of reports that are still there."""
    await session.execute(delete(RevisionEffect).where(RevisionEffect.proposal_id == proposal_id))
    if not totals:
        return
    there = set(
        await session.scalars(select(Report.id).where(Report.id.in_([row.report_id for row in totals])))
    )
    session.add_all(
        RevisionEffect(proposal_id=proposal_id, report_id=row.report_id, before=row.before, after=row.after)
        for row in totals
        if row.report_id in there
    )
    await session.flush()
