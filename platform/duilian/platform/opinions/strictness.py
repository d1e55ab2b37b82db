"""Too strict, about right, too lenient: a member's standing judgement of a score, changed and taken back at will."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.opinions import errors
from duilian.platform.opinions.models import StrictnessJudgement
from duilian.platform.reports.models import Report
from duilian.tenants.actors import Actor

VERDICTS = ("strict", "right", "lenient")
TOTAL = ""
LONGEST_NOTE = 1000
# A second tap waits for the first, and then changes what it wrote.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('strictness:' || :report || :member, 0))")


async def judge(
    session: TenantSession, actor: Actor, report: Report, competency: str, verdict: str, note: str = ""
) -> StrictnessJudgement:
    """The judgement, or another in place of one's own. Raises MembersOnly, UnknownVerdict, NothingToJudge."""
    member_id = _member(actor)
    if verdict not in VERDICTS:
        raise errors.UnknownVerdict(reason=verdict)
    if competency != TOTAL and competency not in {one["key"] for one in report.content["competencies"]}:
        raise errors.NothingToJudge
    await session.execute(_LOCK, {"report": str(report.id), "member": str(member_id)})
    row = await _standing(session, report, member_id, competency)
    before = {"verdict": row.verdict} if row else {}
    if row is None:
        row = StrictnessJudgement(report_id=report.id, member_id=member_id, competency=competency)
        session.add(row)
    row.verdict, row.judged_at, row.note = verdict, now(), _said(note)
    await session.flush()
    facts = {"competency": competency, "verdict": verdict}
    audit.record(session, "strictness.judged", "interview", report.interview_id, before=before, after=facts)
    return row


async def take_back(session: TenantSession, actor: Actor, report: Report, competency: str) -> None:
    """Done also where there was none. Raises MembersOnly."""
    row = await _standing(session, report, _member(actor), competency)
    if row is not None:
        await session.delete(row)
        await session.flush()
        before = {"competency": competency, "verdict": row.verdict}
        audit.record(session, "strictness.undone", "interview", report.interview_id, before=before)


async def own(session: TenantSession, actor: Actor, report: Report) -> dict[str, StrictnessJudgement]:
    """By competency, what this member thinks of the report."""
    query = select(StrictnessJudgement).where(
        StrictnessJudgement.report_id == report.id, StrictnessJudgement.member_id == actor.member_id
    )
    return {row.competency: row for row in await session.scalars(query)}


async def of_interviews(session: TenantSession, interview_ids: list[UUID]) -> list[StrictnessJudgement]:
    """Of every revision of their reports, oldest first."""
    query = (
        select(StrictnessJudgement)
        .join(Report, Report.id == StrictnessJudgement.report_id)
        .where(Report.interview_id.in_(interview_ids))
        .order_by(StrictnessJudgement.id)
    )
    return list(await session.scalars(query))


async def _standing(
    session: TenantSession, report: Report, member_id: UUID, competency: str
) -> StrictnessJudgement | None:
    query = select(StrictnessJudgement).where(
        StrictnessJudgement.report_id == report.id,
        StrictnessJudgement.member_id == member_id,
        StrictnessJudgement.competency == competency,
    )
    return await session.scalar(query)


def _member(actor: Actor) -> UUID:
    if actor.member_id is None:
        raise errors.MembersOnly
    return actor.member_id


def _said(note: str) -> str | None:
    return note.strip()[:LONGEST_NOTE] or None
