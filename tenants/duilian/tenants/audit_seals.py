"""The daily job that seals the end of a tenant's audit chain."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.infra.audit import AuditEntry, AuditSeal, genesis
from duilian.infra.clock import now
from duilian.infra.database import Database
from duilian.infra.seals import SealKey

SEAL = "audit.seal"


class Sealer:
    """The task `audit.seal`: seals yesterday (UTC), once however often it runs."""

    def __init__(self, database: Database, key: SealKey) -> None:
        self._database, self._key = database, key

    async def run(self, tenant_id: UUID) -> None:
        day = (now() - timedelta(days=1)).date()
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        async with self._database.begin(tenant_id) as session:
            query = select(AuditEntry.seq, AuditEntry.hash).where(AuditEntry.happened_at < end)
            last = (await session.execute(query.order_by(AuditEntry.seq.desc()).limit(1))).first()
            seq, digest = (last.seq, last.hash) if last else (0, genesis(tenant_id))
            row = {
                "tenant_id": tenant_id,
                "day": day,
                "seq": seq,
                "hash": digest,
                "signature": self._key.sign(tenant_id, day, seq, digest),
                "key_id": self._key.name,
            }
            await session.execute(insert(AuditSeal).values(**row).on_conflict_do_nothing())
