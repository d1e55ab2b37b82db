"""Erasing a tenant: keys, objects, rows, in this order; then a signed receipt is all that tells of it.

The keys go first: from then on nothing that was sealed opens, in no copy either, whatever happens to the rest. Each
step finds its work done when it is repeated; `progress` of the closure says how far it is.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from duilian.infra import audit
from duilian.infra.audit import AuditHead
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, JsonObject, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.infra.seals import SealKey, is_attested
from duilian.platform.privacy.models import LegalHold
from duilian.tenants import closures, rotation
from duilian.tenants.closures import TenantClosure
from duilian.tenants.keyring import Keyring
from duilian.tenants.models import Tenant

FORMAT = 1
PURPOSE = "tenant-receipt"
HELD_AGAIN = timedelta(days=1)  # a legal hold is asked about every day
KEPT = ("audit", "usage", "receipt")
_ROWS = text("select erase_tenant(:closure)")


class TenantEraser:
    """The task `tenant.delete`."""

    def __init__(self, database: Database, store: ObjectStore, keyring: Keyring, key: SealKey) -> None:
        self._database, self._store, self._keyring, self._key = database, store, keyring, key

    async def run(self, tenant_id: UUID, closure_id: str) -> None:
        if not await self._begin(tenant_id, UUID(closure_id)):
            return
        await rotation.destroy(self._database, self._keyring, tenant_id)
        await self._note(tenant_id, keys="destroyed", keys_at=now().isoformat())
        await self._objects(tenant_id)
        async with self._database.begin(tenant_id) as session:
            await self._rows(session)
        async with self._database.begin(tenant_id) as session:
            await self._finish(session)

    async def _begin(self, tenant_id: UUID, closure_id: UUID) -> bool:
        """Whether it is to be done now. From here on it cannot be withdrawn."""
        async with self._database.begin(tenant_id) as session:
            row = await closures.standing(session, lock=True)
            if row is None or row.id != closure_id or row.finished_at or row.due_at > now():
                return False
            held = await session.scalar(select(func.count()).where(LegalHold.lifted_at.is_(None)))
            if held and not row.progress:
                audit.record(session, "tenant.closing-held", "tenant", tenant_id, after={"holds": held})
                await closures.carry_out_later(session, row, HELD_AGAIN)
                return False
            row.progress = {"began_at": now().isoformat(), **row.progress}
            return True

    async def _objects(self, tenant_id: UUID) -> None:
        names = await self._store.names(tenant_id)
        await self._store.delete(tenant_id, names)
        async with self._database.begin(tenant_id) as session:
            row = await _locked(session)
            row.progress = {**row.progress, "objects": row.progress.get("objects", 0) + len(names)}

    async def _rows(self, session: TenantSession) -> None:
        row = await _locked(session)
        if "rows" not in row.progress:
            gone = await session.scalar(_ROWS, {"closure": row.id})
            row.progress = {**row.progress, "rows": gone}

    async def _finish(self, session: TenantSession) -> None:
        row, tenant = await _locked(session), await session.get_one(Tenant, session.tenant_id)
        if row.finished_at is not None:
            return
        head = await session.get(AuditHead, session.tenant_id)
        row.finished_at = tenant.closed_at = now()
        tenant.name, tenant.brand, tenant.vocabulary, tenant.policy_overrides = {}, {}, {}, {}
        row.receipt = self._receipt(row, tenant, head)
        access = Access(actor="system", on_behalf_of=row.asked_by)
        session.sync_session.info["access"] = access
        audit.record(session, "tenant.closed", "tenant", tenant.id, after=row.progress.get("rows", {}))

    def _receipt(self, row: TenantClosure, tenant: Tenant, head: AuditHead | None) -> JsonObject:
        assert row.finished_at is not None
        told: JsonObject = {
            "format": FORMAT,
            "number": str(row.id),
            "tenant": {"id": str(tenant.id), "slug": tenant.slug},
            "asked_at": row.asked_at.isoformat(),
            "due_at": row.due_at.isoformat(),
            "finished_at": row.finished_at.isoformat(),
            "keys": {"state": row.progress["keys"], "at": row.progress["keys_at"]},
            "objects": row.progress["objects"],
            "rows": row.progress["rows"],
            "kept": list(KEPT),
            "audit": {"seq": head.seq, "hash": head.hash.hex()} if head else None,
        }
        signature = self._key.attest(PURPOSE, audit.canonical(told).encode())
        return told | {"key": self._key.name, "signature": signature.hex()}

    async def _note(self, tenant_id: UUID, **facts: str) -> None:
        async with self._database.begin(tenant_id) as session:
            row = await _locked(session)
            row.progress = {**facts, **row.progress}


def is_genuine(receipt: JsonObject) -> bool:
    """Whether the receipt was signed by the key that it names, and nothing of it was changed."""
    told = {name: value for name, value in receipt.items() if name not in ("key", "signature")}
    try:
        signature = bytes.fromhex(receipt["signature"])
        return is_attested(receipt["key"], signature, PURPOSE, audit.canonical(told).encode())
    except (KeyError, TypeError, ValueError):
        return False


async def _locked(session: TenantSession) -> TenantClosure:
    row = await closures.standing(session, lock=True)
    assert row is not None, "a closure that has begun cannot be withdrawn"
    return row
