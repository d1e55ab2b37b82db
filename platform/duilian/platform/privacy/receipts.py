"""Receipts of erasure (删除回执): what went from where, what stays and why, who was told; signed."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.infra.database import JsonObject, TenantSession
from duilian.platform.privacy import recipients
from duilian.platform.privacy.errors import NoReceipt
from duilian.platform.privacy.models import Erasure, LegalHold
from duilian.tenants.keyring import OpenTenantKey, keys_of

FORMAT = 1
OBJECT_STORE, DATABASE = "object store", "database"
# What `progress` counts → (name on the receipt, where it lay).
_ROWS = {
    "objects": ("recordings", OBJECT_STORE),
    "takes": ("takes", DATABASE),
    "answers": ("answers", DATABASE),
    "analyses": ("analyses", DATABASE),
    "corrections": ("corrections", DATABASE),
    "examples": ("examples", DATABASE),
    "history": ("history", DATABASE),
    "learned": ("learned", OBJECT_STORE),
    "reports": ("reports", DATABASE),
    "overrides": ("overrides", DATABASE),
    "reasons": ("reasons", DATABASE),
    "interviews": ("interviews", DATABASE),
    "candidates": ("candidates", DATABASE),
    "practice": ("practice", DATABASE),
    "declarations": ("declarations", DATABASE),
    "surveys": ("surveys", DATABASE),
}
_KEPT = {
    "all": ("skeleton", "consents", "decisions", "audit"),
    "records": ("skeleton", "consents", "decisions", "audit"),
}


async def compose(
    session: TenantSession,
    row: Erasure,
    interviews: Sequence[UUID],
    held: Mapping[UUID, LegalHold],
    finished: datetime | None,
) -> JsonObject:
    counts: Counter[str] = Counter()
    for part in row.progress.get("counts", {}).values():
        counts.update(part)
    told = await recipients.of(session, interviews)
    receipt: dict[str, Any] = {
        "format": FORMAT,
        "number": str(row.id),
        "cause": row.cause,
        "scope": row.scope,
        "requested_at": row.requested_at.isoformat(),
        "due_at": row.due_at.isoformat(),
        "finished_at": finished.isoformat() if finished else None,
        "erased": [
            {"what": what, "where": where, "count": counts[name]}
            for name, (what, where) in _ROWS.items()
            if counts[name]
        ],
        "kept": [{"what": what} for what in _KEPT.get(row.scope, ("audit",))]
        + [{"what": "hold", "interview": str(i), "reason": hold.reason} for i, hold in held.items()],
        "told": [{"recipient": r.recipient, "what": r.what, "state": r.state} for r in told],
    }
    return receipt | {"signature": sign(keys_of(session), receipt)}


def sign(key: OpenTenantKey, receipt: JsonObject) -> str:
    """HMAC-SHA-256 in hex over the receipt in canonical JSON, under a key derived for this purpose."""
    body = msgspec.json.encode({k: v for k, v in receipt.items() if k != "signature"}, order="sorted")
    return hmac.new(key.derive("erasure-receipt"), body, sha256).hexdigest()


def is_genuine(key: OpenTenantKey, receipt: JsonObject) -> bool:
    return hmac.compare_digest(str(receipt.get("signature", "")), sign(key, receipt))


async def of(session: TenantSession, candidate_id: UUID) -> list[Erasure]:
    """Newest first."""
    query = select(Erasure).where(Erasure.candidate_id == candidate_id).order_by(Erasure.id.desc())
    return list(await session.scalars(query))


async def receipt_of(session: TenantSession, candidate_id: UUID, erasure_id: UUID) -> Erasure:
    """Raises NoReceipt; another person's does not exist here."""
    row = await session.get(Erasure, (session.tenant_id, erasure_id))
    if row is None or row.candidate_id != candidate_id:
        raise NoReceipt
    return row
