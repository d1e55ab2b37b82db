"""A person decides: publishes a proposal as a new version, says no to it, or takes back what came of it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from duilian.customization.models import PublishedSet
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_set, publish
from duilian.infra import audit, events
from duilian.infra.clock import now
from duilian.infra.database import JsonObject, TenantSession
from duilian.platform.revising import errors
from duilian.platform.revising.models import RevisionProposal
from duilian.platform.revising.service import REJECTED, opened, proposal_of
from duilian.platform.revising.values import read, revised, values_of

PUBLISHED, TAKEN_BACK = "published", "taken_back"
LEAST_REASON, MOST_REASON = 10, 2000  # characters


async def accept(session: TenantSession, proposal_id: UUID, reason: str) -> RevisionProposal:
    """A new version of the set; nobody's report changes. Raises NotFound, ProposalClosed, EffectUnknown, SetMoved,
    NothingChanged, WhyNeeded."""
    row, why = await opened(session, proposal_id), _why(reason)
    if row.effect is None:
        raise errors.EffectUnknown
    newest = await newest_set(session, row.set_key)
    if newest.id != row.base_id:
        raise errors.SetMoved(version=newest.version)
    content = content_of(newest)
    wanted = revised(content, read(row.chosen))
    if wanted == content:
        raise errors.NothingChanged
    provenance = {"proposal": str(row.id), "reason": why, "base": newest.version}
    made = await _publish(session, wanted, provenance)
    row.published_id = made.id
    _decided(session, row, PUBLISHED, why)
    await events.append(
        session, "proposal.published", row.id, session.access.actor, set=row.set_key, version=made.version
    )
    return row


async def reject(session: TenantSession, proposal_id: UUID, reason: str) -> RevisionProposal:
    """The same is not proposed again for this version. Raises NotFound, ProposalClosed, WhyNeeded."""
    row, why = await opened(session, proposal_id), _why(reason)
    _decided(session, row, REJECTED, why)
    await events.append(
        session, "proposal.rejected", row.id, session.access.actor, set=row.set_key, version=row.base_version
    )
    return row


async def take_back(session: TenantSession, proposal_id: UUID, reason: str) -> RevisionProposal:
    """Another new version, with weights, cut points, order and wording as they were before the proposal; what else was
    published since stays. Raises NotFound, ProposalClosed, SetMoved, NothingChanged, WhyNeeded."""
    row, why = await proposal_of(session, proposal_id, lock=True), _why(reason)
    if row.state != PUBLISHED:
        raise errors.ProposalClosed
    newest = await newest_set(session, row.set_key)
    base = await session.get_one(PublishedSet, (session.tenant_id, row.base_id))
    content, wanted = (
        content_of(newest),
        _as_before(row, content_of(base), content_of(newest), newest.version),
    )
    if wanted == content:
        raise errors.NothingChanged
    provenance = {"proposal": str(row.id), "reason": why, "base": newest.version, "takes_back": base.version}
    made = await _publish(session, wanted, provenance)
    _decided(session, row, TAKEN_BACK, why)
    await events.append(
        session, "proposal.taken_back", row.id, session.access.actor, set=row.set_key, version=made.version
    )
    return row


def _as_before(row: RevisionProposal, base: QuestionSet, content: QuestionSet, version: int) -> QuestionSet:
    """Raises SetMoved where questions or competencies came or went since."""
    before = values_of(base)
    if {c.key for c in base.competencies} != {c.key for c in content.competencies} or sorted(
        before.order
    ) != sorted(q.key for q in content.questions):
        raise errors.SetMoved(version=version)
    texts = {key: found.text for key in row.chosen["texts"] if (found := base.question(key))}
    return revised(content, msgspec.structs.replace(before, texts=texts))


async def _publish(session: TenantSession, wanted: QuestionSet, provenance: JsonObject) -> PublishedSet:
    made = await publish(session, wanted, session.access.actor, provenance)
    facts = {"set": made.key, "version": made.version, "proposal": provenance["proposal"]}
    audit.record(session, "set.published", "set", made.id, after=facts)
    return made


def _decided(session: TenantSession, row: RevisionProposal, state: str, why: str) -> None:
    row.state, row.reason = state, why
    row.decided_by, row.decided_at = session.access.actor, now()


def _why(reason: str) -> str:
    if len(reason.strip()) < LEAST_REASON:
        raise errors.WhyNeeded(least=LEAST_REASON)
    return reason.strip()[:MOST_REASON]
