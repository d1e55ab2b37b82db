"""Consents: one decision per purpose, versioned, nothing assumed.

recording   without it there is no interview by machine: a person takes over
scoring     without it answers are recorded and a person reviews them; no model hears them
face_check  without it no picture is looked at
transfer    without it the result stays here
training    without it the answers never improve a model
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.sessions import errors
from duilian.platform.sessions.models import ConsentRecord, Interview
from duilian.platform.web.words import t

VERSION = "2026-11-01"
PURPOSES = ("recording", "scoring", "face_check", "transfer", "training")


def consent_text(purpose: str, locale: str) -> str:
    """All words that are shown for a purpose, as one text; its hash is kept with the decision."""
    parts = ("title", "why", "refusing")
    return "\n".join(t(locale, f"consent.{purpose}.{part}") for part in parts)


async def decide(
    session: TenantSession, interview: Interview, version: str, decisions: dict[str, bool]
) -> None:
    """Record the decisions. Raises ConsentOutdated, UnknownPurpose; every purpose must be decided."""
    if version != VERSION:
        raise errors.ConsentOutdated
    for unknown in set(decisions) - set(PURPOSES):
        raise errors.UnknownPurpose(reason=unknown)
    known = await decisions_of(session, interview)
    merged = known | decisions
    if any(merged.get(purpose) is None for purpose in PURPOSES):
        raise errors.ConsentNeeded
    for purpose, granted in decisions.items():
        if known[purpose] != granted:
            session.add(_record(interview, purpose, granted))
    await session.flush()


def _record(interview: Interview, purpose: str, granted: bool) -> ConsentRecord:
    return ConsentRecord(
        interview_id=interview.id,
        purpose=purpose,
        version=VERSION,
        text_sha256=sha256(consent_text(purpose, interview.locale).encode()).hexdigest(),
        granted=granted,
        decided_at=now(),
    )


async def decisions_of(session: TenantSession, interview: Interview) -> dict[str, bool | None]:
    """The newest decision per purpose, None where there is none."""
    query = select(ConsentRecord).where(ConsentRecord.interview_id == interview.id).order_by(ConsentRecord.id)
    decisions: dict[str, bool | None] = dict.fromkeys(PURPOSES)
    for record in await session.scalars(query):
        decisions[record.purpose] = record.granted
    return decisions
