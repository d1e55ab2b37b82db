"""What the page and the API on a candidate's own data share: reading it, and taking a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar.response import Stream

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.opinions import survey
from duilian.platform.portal import feedback
from duilian.platform.privacy import (
    declarations,
    erasing,
    export,
    holdings,
    looks,
    practice,
    receipts,
    recipients,
    retention,
)
from duilian.platform.privacy.holdings import Held
from duilian.platform.privacy.models import DataRecipient, Erasure, PracticeAttempt
from duilian.platform.privacy.zips import zipped
from duilian.platform.reports.errors import NoReportYet
from duilian.platform.sessions import consents
from duilian.platform.sessions.opening import Visit
from duilian.platform.sessions.policy import policy_of
from duilian.tenants.keyring import Keyring
from duilian.tenants.policy import Policy

Json = dict[str, Any]


@dataclass(frozen=True)
class OwnData:
    held: Held
    looks: list[looks.Look]
    recipients: list[DataRecipient]
    receipts: list[Erasure]
    practice: list[PracticeAttempt]
    policy: Policy
    decisions: dict[str, bool | None]
    clocks: retention.Clocks | None


async def read(session: TenantSession, visit: Visit, database: Database) -> OwnData:
    async with practice.own_session(database, session.tenant_id, visit.candidate.id) as own:
        attempts, groups = await practice.attempts(own), await declarations.own(own)
        surveys = await survey.own(own)
    held = await holdings.held(session, visit.candidate, len(attempts), len(groups), len(surveys))
    policy = await policy_of(session, visit.interview)
    return OwnData(
        held=held,
        looks=await looks.looks(session, held.subjects),
        recipients=await recipients.of(session, [i.id for i in held.interviews]),
        receipts=await receipts.of(session, visit.candidate.id),
        practice=attempts,
        policy=policy,
        decisions=await consents.decisions_of(session, visit.interview, policy),
        clocks=await retention.clocks_of(session, visit.interview.id),
    )


def document(own: OwnData, visit: Visit) -> Json:
    """As programs read it."""
    return {
        "person": {"name": visit.candidate.name, "email": visit.candidate.email},
        "erased_at": _iso(visit.candidate.erased_at),
        "policy": {"jurisdiction": own.policy.jurisdiction, "version": visit.interview.policy_version},
        "holdings": [
            {"category": h.category, "count": h.count, "until": _iso(h.until)} for h in own.held.holdings
        ],
        "legal_holds": [{"interview": str(i), "reason": hold.reason} for i, hold in own.held.holds.items()],
        "looked": [{"at": look.at.isoformat(), "role": look.role, "what": look.what} for look in own.looks],
        "recipients": [
            {"recipient": r.recipient, "what": r.what, "passed_at": r.passed_at.isoformat(), "state": r.state}
            for r in own.recipients
        ],
        "consents": own.decisions,
        "receipts": [receipt(row) for row in own.receipts],
        "practice": [attempt(row) for row in own.practice],
    }


def receipt(row: Erasure) -> Json:
    """The signed receipt once there is one, else that the erasure is under way."""
    waiting = {
        "number": str(row.id), "cause": row.cause, "scope": row.scope, "requested_at": row.requested_at.isoformat(),
        "due_at": row.due_at.isoformat(), "finished_at": None,
    }  # fmt: skip
    return row.receipt or waiting


def attempt(row: PracticeAttempt) -> Json:
    return {
        "id": str(row.id), "set": row.set_key, "mode": row.mode, "content_type": row.content_type,
        "seconds": row.seconds, "size": row.size, "kept_at": row.created_at.isoformat(),
    }  # fmt: skip


async def erase(session: TenantSession, visit: Visit) -> Erasure:
    """Everything about the person, by the time that the policy gives."""
    policy = await policy_of(session, visit.interview)
    return await erasing.request(session, visit.candidate.id, None, "request", "all", policy.erasure.days)


async def declare(
    session: TenantSession, visit: Visit, database: Database, wanted: Mapping[str, str]
) -> dict[str, str]:
    """The candidate's declarations anew; gives those that were understood. Nothing of it goes on record."""
    asked = declarations.questions_for(visit.tenant.jurisdiction)
    chosen = {name: wanted[name] for name, choices in asked.items() if wanted.get(name) in choices}
    async with practice.own_session(database, session.tenant_id, visit.candidate.id) as own:
        await declarations.declare(own, visit.candidate.id, chosen)
    return chosen


async def copy(
    session: TenantSession, visit: Visit, database: Database, keyring: Keyring, store: ObjectStore
) -> Stream:
    """The ZIP, sent while it is made."""
    async with practice.own_session(database, session.tenant_id, visit.candidate.id) as own:
        practised, declared = len(await practice.attempts(own)), len(await declarations.own(own))
        surveyed = len(await survey.own(own))
    held = await holdings.held(session, visit.candidate, practised, declared, surveyed)
    made = await export.gather(session, held, await _feedback(session, visit))
    audit.record(session, "mydata.exported", "candidate", visit.candidate.id)
    name = f"my-data-{visit.tenant.slug}-{now():%Y%m%d}.zip"
    return Stream(
        zipped(export.members(made, database, keyring, store), now()),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _feedback(session: TenantSession, visit: Visit) -> dict[str, Json]:
    try:
        return {str(visit.interview.id): dict(await feedback.document(session, visit))}
    except NoReportYet:
        return {}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
