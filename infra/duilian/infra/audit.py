"""The audit log: who did what, for whom, when and from where; append-only and hash-chained per tenant.

`record` notes an act on the session; just before the commit all notes go to `append_audit`, a database function
that alone may write: it numbers them, chains them under the tenant's lock and keeps each as the very text that is
hashed. hash(n) = SHA-256(hash(n-1) ‖ n as 8 bytes ‖ text), hash(0) = SHA-256(tenant id). Notes hold identifiers
and facts, never names, words of people or secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, event, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from duilian.infra.clock import now
from duilian.infra.database import NOTES, Access, Base, JsonObject, TenantSession

_APPEND = text("select append_audit(cast(:entries as text[]))")


class AuditEntry(Base):
    """One act. `entry` is the text that is hashed; the other columns repeat parts of it for searching."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_subject", "tenant_id", "subject_id"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    happened_at: Mapped[datetime]
    action: Mapped[str]
    actor: Mapped[str]
    subject_id: Mapped[str]
    entry: Mapped[str]
    hash: Mapped[bytes]

    @property
    def facts(self) -> JsonObject:
        return json.loads(self.entry)


class AuditHead(Base):
    """The end of a tenant's chain; locked while the chain grows."""

    __tablename__ = "audit_heads"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]


class AuditSeal(Base):
    """A day's end of the chain, signed (Ed25519): what was sealed cannot be rewritten with a new chain."""

    __tablename__ = "audit_seals"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    signature: Mapped[bytes]
    key_id: Mapped[str]


def record(
    session: TenantSession,
    action: str,
    subject_type: str,
    subject_id: UUID | str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note an act of whoever is at work in the session; written if, and only if, the transaction is committed."""
    note(session.sync_session.info, action, subject_type, subject_id, before=before, after=after)


def note(
    info: dict[Any, Any],
    action: str,
    subject_type: str,
    subject_id: UUID | str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """As `record`, where only the session's notes are at hand."""
    access: Access = info["access"]
    facts = {
        "action": action,
        "actor": access.actor,
        "on_behalf_of": access.on_behalf_of,
        "network": access.network,
        "at": now().isoformat(timespec="microseconds"),
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "before": before or {},
        "after": after or {},
    }
    info.setdefault(NOTES, []).append(canonical(facts))


def canonical(facts: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: one text for one meaning."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def chained(previous: bytes, seq: int, entry: str) -> bytes:
    """The hash of entry `seq` that follows `previous`."""
    return sha256(previous + seq.to_bytes(8, "big") + entry.encode()).digest()


def genesis(tenant_id: UUID) -> bytes:
    return sha256(str(tenant_id).encode()).digest()


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Last of all, so that the chain's lock is held for one statement and the commit."""
    if session.info.get(NOTES):
        session.flush()
        entries = session.info.pop(NOTES)
        session.execute(_APPEND, {"entries": entries})


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(NOTES, None)
