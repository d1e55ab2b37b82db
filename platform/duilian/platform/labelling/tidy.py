"""Every night: imported history past its retention goes, and so do files that somebody uploaded and left lying."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from duilian.customization.labels import forgetting, imports
from duilian.customization.labels.models import HistoryImport
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.tenants.policy_store import current_policy

TIDY = "labels.tidy"
LEFT_LYING = timedelta(days=14)


class Tidier:
    """The task `labels.tidy`, once a day for each tenant. Repeated, it finds nothing to do."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def run(self, tenant_id: UUID) -> None:
        async with self._database.begin(tenant_id) as session:
            await forget_old(session)
            rows = await _left(session)
            for row in rows:
                await imports.discard(session, self._store, row)


async def forget_old(session: TenantSession) -> int:
    """The period of records in the policy now in force, from the day of the import."""
    days = (await current_policy(session)).retention.records.days
    gone = await forgetting.older_than(session, now() - timedelta(days=days))
    if gone:
        audit.record(session, "history.expired", "tenant", session.tenant_id, after={"rows": gone})
    return gone


async def _left(session: TenantSession) -> list[HistoryImport]:
    query = select(HistoryImport).where(
        HistoryImport.state.in_([imports.DRAFT, imports.CHECKED, imports.FAILED]),
        HistoryImport.created_at < now() - LEFT_LYING,
    )
    return list(await session.scalars(query.limit(100)))
