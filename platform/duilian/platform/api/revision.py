"""Proposals for question sets, for programs: what was found, what it would have done. Publishing is a person's."""

from __future__ import annotations

from typing import Any, TypedDict
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import Provide

from duilian.infra import audit
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.revising import service
from duilian.platform.revising.models import RevisionProposal
from duilian.tenants.rights import Right

READ, MANAGE = [key_with(Right.LAB_READ)], [key_with(Right.LAB_MANAGE)]


class Proposal(TypedDict):
    """proposed, chosen, findings, effect: docs/feedback.md; the last is None while it is being computed."""

    id: str
    question_set: str
    base_version: int
    state: str
    made_at: str
    decided_at: str | None
    reason: str
    proposed: dict[str, Any]
    chosen: dict[str, Any]
    findings: dict[str, Any]
    effect: dict[str, Any] | None


class Signals(TypedDict):
    """findings: also where nothing is proposed, with the reason and n."""

    question_set: str
    computed_at: str
    findings: dict[str, Any]


class Proposals(TypedDict):
    signals: list[Signals]
    proposals: list[Proposal]


class Looking(TypedDict):
    state: str


class RevisionApi(Controller):
    path = "/api/v1/lab/proposals"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, desk: ApiDesk) -> Proposals:
        """The newest proposals, and what was found for each set when it was last looked at."""
        signals = (await service.signals(desk.session)).values()
        found = [
            Signals(question_set=row.set_key, computed_at=row.computed_at.isoformat(), findings=row.content)
            for row in sorted(signals, key=lambda row: row.set_key)
        ]
        return Proposals(
            signals=found, proposals=[_proposal(row) for row in await service.proposals(desk.session)]
        )

    @post("/", guards=MANAGE, status_code=202)
    async def propose(self, desk: ApiDesk) -> Looking:
        """Looks at every set now, in the background."""
        await service.propose_later(desk.session)
        return Looking(state="queued")

    @get("/{proposal_id:uuid}", guards=READ)
    async def proposal(self, desk: ApiDesk, proposal_id: UUID) -> Proposal:
        """No person is in it: totals of single interviews are shown on the page, to those who may see them."""
        row = await service.proposal_of(desk.session, proposal_id)
        audit.record(desk.session, "proposal.exported", "proposal", row.id)
        return _proposal(row)


def _proposal(row: RevisionProposal) -> Proposal:
    return Proposal(
        id=str(row.id), question_set=row.set_key, base_version=row.base_version, state=row.state,
        made_at=row.made_at.isoformat(), decided_at=row.decided_at.isoformat() if row.decided_at else None,
        reason=row.reason, proposed=row.proposed, chosen=row.chosen, findings=row.findings, effect=row.effect,
    )  # fmt: skip
