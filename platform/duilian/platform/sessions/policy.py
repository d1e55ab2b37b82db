"""The policy that governs an interview: the one stamped on it when it was opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from duilian.infra.database import TenantSession
from duilian.platform.sessions import consents
from duilian.platform.sessions.models import ConsentRecord, Interview
from duilian.tenants.policy import Feature, Policy
from duilian.tenants.policy_store import stamped_policy


async def policy_of(session: TenantSession, interview: Interview) -> Policy:
    return await stamped_policy(session, interview.policy_version)


async def may(session: TenantSession, interview: Interview, feature: Feature) -> bool:
    """Whether policy and person let the feature run now."""
    policy = await policy_of(session, interview)
    return policy.may(feature, await consents.decisions_of(session, interview, policy))


async def allowing(session: TenantSession, interviews: Collection[UUID], feature: Feature) -> set[UUID]:
    """Those of many interviews in which policy and person let the feature run now; in a few statements."""
    decided: defaultdict[UUID, dict[str, bool | None]] = defaultdict(dict)
    records = select(ConsentRecord).where(ConsentRecord.interview_id.in_(interviews))
    for record in await session.scalars(records.order_by(ConsentRecord.id)):
        decided[record.interview_id][record.purpose] = record.granted
    stamped = select(Interview.id, Interview.policy_version).where(Interview.id.in_(interviews))
    versions = {row.id: row.policy_version for row in await session.execute(stamped)}
    policies = {version: await stamped_policy(session, version) for version in set(versions.values())}
    return {one for one, version in versions.items() if policies[version].may(feature, decided[one])}
