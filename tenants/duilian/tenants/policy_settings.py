"""What an administrator changes about the policy. Each change is checked, kept and written to the audit log."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.tenants.errors import StatementNeeded, TooManyHours
from duilian.tenants.models import Tenant
from duilian.tenants.policy import Enabling, Feature, Overrides, Rule, in_force, profile
from duilian.tenants.policy_store import overrides_of, policy_of_tenant

SHORTEST_STATEMENT = 10
LONGEST_STATEMENT = 500
MOST_CORRECTION_HOURS = 168


async def choose_jurisdiction(session: TenantSession, jurisdiction: str) -> None:
    """Raises UnknownJurisdiction. Starts again from the new profile: what was changed about the old one is dropped."""
    tenant = await _locked(session)
    profile(jurisdiction)
    if tenant.jurisdiction != jurisdiction:
        before = _facts(tenant)
        tenant.jurisdiction, tenant.policy_overrides = jurisdiction, {}
        audit.record(
            session, "policy.jurisdiction_chosen", "tenant", tenant.id, before=before, after=_facts(tenant)
        )


async def forbid(session: TenantSession, feature: Feature) -> None:
    """Stricter than the profile, until `unforbid`."""
    tenant = await _locked(session)
    features = {**overrides_of(tenant).features, feature: Rule.FORBIDDEN}
    before, after = _changed(tenant, feature, features=features)
    audit.record(session, "policy.forbidden", "tenant", tenant.id, before=before, after=after)


async def unforbid(session: TenantSession, feature: Feature) -> None:
    """Back to what the profile says."""
    tenant = await _locked(session)
    features = {f: rule for f, rule in overrides_of(tenant).features.items() if f != feature}
    before, after = _changed(tenant, feature, features=features)
    audit.record(session, "policy.restored", "tenant", tenant.id, before=before, after=after)


async def turn_on(session: TenantSession, feature: Feature, statement: str) -> None:
    """Raises CannotTurnOn, StatementNeeded. Who did it stands in the policy and in the audit log."""
    tenant = await _locked(session)
    line = profile(tenant.jurisdiction).features[feature]
    if line.condition and len(statement.strip()) < SHORTEST_STATEMENT:
        raise StatementNeeded
    enabling = Enabling(by=session.access.actor, at=now(), statement=statement.strip()[:LONGEST_STATEMENT])
    known = overrides_of(tenant)
    features = {f: rule for f, rule in known.features.items() if f != feature}
    before, after = _changed(tenant, feature, features=features, enabled={**known.enabled, feature: enabling})
    audit.record(session, "policy.turned_on", "tenant", tenant.id, before=before, after=after)


async def turn_off(session: TenantSession, feature: Feature) -> None:
    tenant = await _locked(session)
    enabled = {f: e for f, e in overrides_of(tenant).enabled.items() if f != feature}
    before, after = _changed(tenant, feature, enabled=enabled)
    audit.record(session, "policy.turned_off", "tenant", tenant.id, before=before, after=after)


async def set_periods(
    session: TenantSession,
    media_days: int | None,
    records_days: int | None,
    notice_days: int | None,
    correction_hours: int | None = None,
) -> None:
    """None: what the profile says. Raises OutOfPeriod, TooManyHours."""
    tenant = await _locked(session)
    if correction_hours is not None and correction_hours > MOST_CORRECTION_HOURS:
        raise TooManyHours(most=MOST_CORRECTION_HOURS)
    periods = {
        "media_days": media_days, "records_days": records_days, "notice_business_days": notice_days,
        "correction_hours": correction_hours,
    }  # fmt: skip
    before, after = _changed(tenant, None, **periods)
    audit.record(session, "policy.periods_set", "tenant", tenant.id, before=before, after=after)


async def _locked(session: TenantSession) -> Tenant:
    query = select(Tenant).where(Tenant.id == session.tenant_id).with_for_update()
    return (await session.scalars(query)).one()


def _changed(
    tenant: Tenant,
    feature: Feature | None,
    **changes: Any,  # Any: values of Overrides' fields, checked by its conversion
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts before and after. What the profile does not allow is refused before anything is changed."""
    before = _facts(tenant)
    changed = msgspec.structs.replace(overrides_of(tenant), **changes)
    checked = msgspec.convert(msgspec.to_builtins(changed), Overrides)
    in_force(profile(tenant.jurisdiction), checked, now())
    tenant.policy_overrides = msgspec.to_builtins(checked)
    return before, _facts(tenant) | ({"feature": feature.value} if feature else {})


def _facts(tenant: Tenant) -> dict[str, Any]:
    version = policy_of_tenant(tenant).version
    return {"jurisdiction": tenant.jurisdiction, "version": version, "changes": tenant.policy_overrides}
