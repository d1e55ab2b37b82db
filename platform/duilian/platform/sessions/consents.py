"""Consents: one decision per purpose, versioned, nothing assumed. Which are asked follows the interview's policy.

recording     without it there is no interview by machine: a person takes over
scoring       without it answers are recorded and a person reviews them; no model hears them
face_check    without it no picture is looked at
gaze          without it nobody notes where somebody looks
expression    without it no expression is looked at
transfer      without it the result stays here
cross_border  without it the interview stays in the country
training      without it the answers never improve a model
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.sessions import errors
from duilian.platform.sessions.models import ConsentRecord, Interview
from duilian.platform.web.words import t
from duilian.tenants.policy import Feature, Policy

VERSION = "2026-11-26"


def periods(policy: Policy) -> dict[str, int]:
    """What the consent texts say about time, in days."""
    return {"media_days": policy.retention.media.days, "records_days": policy.retention.records.days}


def consent_text(purpose: str, locale: str, policy: Policy) -> str:
    """All words that are shown for a purpose, as one text; its hash is kept with the decision."""
    parts = ("title", "why", *notices(purpose, policy), "refusing")
    return "\n".join(t(locale, f"consent.{purpose}.{part}", **periods(policy)) for part in parts)


def notices(purpose: str, policy: Policy) -> tuple[str, ...]:
    """What a purpose brings along where the policy lets it: whoever agrees to be recorded may be watched live."""
    return ("live",) if purpose == "recording" and policy.may(Feature.LIVE_VIEW, {}) else ()


async def decide(
    session: TenantSession, interview: Interview, policy: Policy, version: str, decisions: dict[str, bool]
) -> None:
    """Record the decisions. Raises ConsentOutdated, UnknownPurpose; every purpose must be decided."""
    if version != VERSION:
        raise errors.ConsentOutdated
    for unknown in set(decisions) - set(policy.purposes):
        raise errors.UnknownPurpose(reason=unknown)
    known = await decisions_of(session, interview, policy)
    merged = known | decisions
    if any(merged.get(purpose) is None for purpose in policy.purposes):
        raise errors.ConsentNeeded
    for purpose, granted in decisions.items():
        if known[purpose] != granted:
            session.add(record_of(interview, policy, purpose, granted=granted))
    await session.flush()


def record_of(interview: Interview, policy: Policy, purpose: str, *, granted: bool) -> ConsentRecord:
    return ConsentRecord(
        interview_id=interview.id,
        purpose=purpose,
        version=VERSION,
        text_sha256=sha256(consent_text(purpose, interview.locale, policy).encode()).hexdigest(),
        granted=granted,
        decided_at=now(),
    )


async def decisions_of(
    session: TenantSession, interview: Interview, policy: Policy
) -> dict[str, bool | None]:
    """The newest decision per purpose that the policy asks for, None where there is none."""
    query = select(ConsentRecord).where(ConsentRecord.interview_id == interview.id).order_by(ConsentRecord.id)
    decisions: dict[str, bool | None] = dict.fromkeys(policy.purposes)
    for record in await session.scalars(query):
        if record.purpose in decisions:
            decisions[record.purpose] = record.granted
    return decisions
