"""The policy that governs an interview: the one stamped on it when it was opened."""

from __future__ import annotations

from duilian.infra.database import TenantSession
from duilian.platform.sessions import consents
from duilian.platform.sessions.models import Interview
from duilian.tenants.policy import Feature, Policy
from duilian.tenants.policy_store import stamped_policy


async def policy_of(session: TenantSession, interview: Interview) -> Policy:
    return await stamped_policy(session, interview.policy_version)


async def may(session: TenantSession, interview: Interview, feature: Feature) -> bool:
    """Whether policy and person let the feature run now."""
    policy = await policy_of(session, interview)
    return policy.may(feature, await consents.decisions_of(session, interview, policy))
