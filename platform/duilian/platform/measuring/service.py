"""Measuring a tenant (测量任务): as a job, on demand and every night; the pages read what it left."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.jobs import defer
from duilian.platform.measuring import figures, groups
from duilian.platform.measuring.gather import Rows, gather
from duilian.platform.measuring.models import LabFigures
from duilian.platform.privacy import declarations
from duilian.platform.recruiting.models import Candidate

MEASURE = "lab.measure"
Json = dict[str, Any]


async def measure_later(session: TenantSession) -> None:
    await defer(session, MEASURE, lock=f"{MEASURE}:{session.tenant_id}")


async def figures_of(session: TenantSession, kind: str) -> LabFigures | None:
    """As last computed; None where nobody has measured yet."""
    return await session.scalar(select(LabFigures).where(LabFigures.kind == kind))


async def all_figures(session: TenantSession) -> dict[str, LabFigures]:
    return {row.kind: row for row in await session.scalars(select(LabFigures))}


class Measurer:
    """The task `lab.measure`. Repeated, it computes the same from the same rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, tenant_id: UUID) -> None:
        async with self._database.begin(tenant_id) as session:
            rows = await gather(session)
            choices = await declared(self._database, session)
        found = await asyncio.to_thread(compute, rows, choices)
        async with self._database.begin(tenant_id) as session:
            for kind, content in found.items():
                await _keep(session, kind, content)
            audit.record(session, "lab.measured", "tenant", tenant_id)


async def declared(database: Database, session: TenantSession) -> dict[str, dict[str, str]]:
    """Choice by person, by question; for figures of groups alone. Of somebody known to several units, the last row
    counts."""
    found = await declarations.groups(database, session.tenant_id)
    query = select(Candidate.id, Candidate.email_index).where(Candidate.erased_at.is_(None))
    person = {row_id: index.hex() for row_id, index in await session.execute(query)}
    return {
        question: {person[one]: choice for one, choice in choices.items() if one in person}
        for question, choices in found.items()
    }


def compute(rows: Rows, choices: dict[str, dict[str, str]]) -> dict[str, Json]:
    """By kind (`figures.KINDS`)."""
    return {
        "agreement": figures.agreement(rows),
        "raters": figures.raters(rows),
        "items": figures.items(rows),
        "distributions": figures.distributions(rows),
        "drift": figures.drift(rows, now()),
        "fairness": groups.compare(rows, choices),
        "review": figures.review(rows),
        "validity": figures.validity_of(rows),
    }


async def _keep(session: TenantSession, kind: str, content: Json) -> None:
    values = {"content": content, "computed_at": now()}
    row = {"tenant_id": session.tenant_id, "id": new_id(), "kind": kind, **values}
    await session.execute(
        insert(LabFigures)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "kind"], set_=values)
    )
