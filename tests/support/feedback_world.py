"""On top of `lab_world`: totals that can be replayed, reviewers who say "too strict", candidates who say what they found."""

from __future__ import annotations

import time
from uuid import UUID

import numpy as np
from sqlalchemy import select

import lab_world
from duilian.customization.labels.models import Outcome
from duilian.customization.service import questions_of
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.decisions.models import Decision
from duilian.platform.opinions import strictness, survey
from duilian.platform.privacy import practice
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.models import Report
from duilian.platform.revising import replay, service
from duilian.platform.revising.models import RevisionProposal
from duilian.platform.sessions import consents
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import Status
from duilian.tenants.actors import actor_of_member
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.models import Member
from inside import within
from lab_world import Past, remember
from world import World, run

PEOPLE, SEED = 150, 20260102
SURVEYED = 40
DECLINED = 5  # who do not let their answers improve models
BORDER = 5.5  # where people were passed on, in the end
WORDS = "第五题看不明白在问什么"
STRICT = "empathy"


def plant(world: World, people: int = PEOPLE) -> Past:
    lab_world.RANDOM.bit_generator.state = np.random.default_rng(
        SEED
    ).bit_generator.state  # whoever drew before
    past = remember(world, people)
    within(world, _totals)
    within(world, _consented)
    within(world, _judged)
    run(_surveys(world, past))
    return past


async def _totals(session: TenantSession) -> None:
    """A second revision of each report, with the total that its judgements give, and a decision that follows it; one
    report keeps another."""
    member = next(row.id for row in await session.scalars(select(Member)) if row.name == "recruiter")
    planted = await replay.reported(session, "complaint")
    found = {one.interview_id: one for one in planted}
    await replay.fill(session, found)
    for number, one in enumerate(planted):
        content = await questions_of(session, one.set_id)
        total = replay.total_of(content.competencies, one)
        if total is not None and number:
            session.add(_decided(one.interview_id, member, advanced=total >= BORDER))
            numbers = {"outcome": "scored", "score": total, "standard_error": 1.0}
            session.add(
                Report(
                    interview_id=one.interview_id, revision=2, total=numbers, flags=0, sha256="1" * 64, created_at=now(),
                    content={"competencies": [{"key": c.key} for c in content.competencies]},
                )
            )  # fmt: skip


async def _consented(session: TenantSession) -> None:
    """Some of those who were not hired decline: what weights are fitted to is the same without them."""
    hired = set(await session.scalars(select(Outcome.person_index)))
    query = (
        select(Interview, Candidate.email_index)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .where(Invitation.set_key == "complaint", Interview.status == Status.REPORTED)
        .order_by(Interview.id)
    )
    declined = 0
    for interview, person in (await session.execute(query)).tuples().all():
        declines = person not in hired and declined < DECLINED
        declined += declines
        policy = await policy_of(session, interview)
        session.add(consents.record_of(interview, policy, "training", granted=not declines))


def _decided(interview_id: UUID, member: UUID, *, advanced: bool) -> Decision:
    outcome = "advance" if advanced else "reject"
    return Decision(
        interview_id=interview_id, member_id=member, outcome=outcome, reason="…", decided_at=now()
    )


async def _judged(session: TenantSession) -> None:
    """Two reviewers find the scores of one competency too strict, where people's marks say the opposite."""
    members = {row.name: row for row in await session.scalars(select(Member))}
    query = select(Report).where(Report.revision == 2).order_by(Report.id).limit(4)
    for report in await session.scalars(query):
        for name in ("recruiter", "department_manager"):
            await strictness.judge(
                session, await actor_of_member(session, members[name], ""), report, STRICT, "strict", "…"
            )


async def _surveys(world: World, past: Past) -> None:
    database = open_database(world.settings, open_keyring(world.settings), 1)
    try:
        async with database.begin(world.tenant_id) as session:
            query = select(Invitation.candidate_id, Interview).join(
                Invitation, Invitation.id == Interview.invitation_id
            )
            taken = dict((await session.execute(query)).tuples().all())
        for number, candidate in enumerate(past.candidates[:SURVEYED]):
            given = {past.last: {"felt": "hard", "unclear": number % 2 == 0}}
            async with practice.own_session(database, world.tenant_id, candidate) as own:
                await survey.save(
                    own, candidate, taken[candidate], "complaint", given, WORDS if number < 3 else ""
                )
    finally:
        await database.close()


def open_proposal(world: World, seconds: float = 90) -> UUID:
    """Waits for the worker."""

    async def look(session: TenantSession) -> RevisionProposal | None:
        rows = await service.proposals(session, "complaint")
        return next((row for row in rows if row.state == service.OPEN and row.effect is not None), None)

    deadline = time.monotonic() + seconds
    while (row := within(world, look)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return row.id
