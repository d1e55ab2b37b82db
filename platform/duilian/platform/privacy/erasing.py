"""Erasing, by request, by withdrawal and by retention. One path for all, so that one receipt tells of all.

An `Erasure` is written first, in the transaction of what caused it, together with the job that carries it out. The
job goes interview by interview, each in a transaction of its own, and may be killed anywhere: rows and bytes that
are gone are not missed, and what was counted stays in `progress`. Append-only tables open for `erase_records` only,
a function of the database that wants an erasure under way and no legal hold, and writes to the audit log itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update

from duilian.customization.labels import forgetting
from duilian.customization.training import unlearning
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.jobs import defer
from duilian.infra.objects import ObjectStore
from duilian.platform.labelling.unlearner import Unlearner
from duilian.platform.live import state as live
from duilian.platform.media.erase import erase_media, object_names
from duilian.platform.opinions import survey
from duilian.platform.privacy import holds, people, receipts, recipients
from duilian.platform.privacy.models import Declaration, Erasure, PracticeAttempt
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.scoring.models import Analysis, TranscriptCorrection
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import Status

ERASE = "privacy.erase"
ERASED_NAME = "已删除 · Erased"
# What each scope takes away. Reports go with every scope but "media"; what was made after the request stays.
MEDIA = frozenset({"all", "records", "media", "recording"})
WORDS = frozenset({"all", "records", "recording"})
FINDINGS = frozenset({"all", "records", "recording", "scores"})
EXAMPLES = FINDINGS | {"training"}  # copies of answers that models learn from
OBSERVATIONS = frozenset({"face_check"})
PERSON = frozenset({"all", "records"})
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('erase:' || :candidate, 0))")
_REPORTS = text("select erase_records(:erasure, :interview)")


async def request(
    session: TenantSession,
    candidate_id: UUID,
    interview_id: UUID | None,
    cause: str,
    scope: str,
    days: int,
) -> Erasure:
    """The erasure, a new one or the one under way for the same; days: until it must be done."""
    query = select(Erasure).where(
        Erasure.candidate_id == candidate_id,
        Erasure.interview_id.is_not_distinct_from(interview_id),
        Erasure.scope == scope,
        Erasure.finished_at.is_(None),
    )
    found = await session.scalar(query)
    if found is not None:
        return found
    row = Erasure(
        candidate_id=candidate_id, interview_id=interview_id, cause=cause, scope=scope,
        requested_by=session.access.actor, requested_at=now(), due_at=now() + timedelta(days=days), progress={},
        finished_at=None, receipt=None,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    await events.append(
        session, "erasure.requested", candidate_id, row.requested_by, cause=cause, scope=scope
    )
    await carry_out_later(session, row)
    return row


async def carry_out_later(session: TenantSession, row: Erasure) -> None:
    await defer(session, ERASE, lock=f"erase:{row.candidate_id}", erasure_id=str(row.id))


async def erase_rows(session: TenantSession, row: Erasure, interview: Interview) -> None:
    """All but recordings and the person, in the caller's transaction; while a hold stands, what models may learn from is
    withheld and nothing goes."""
    if row.scope == "media":
        return
    if await holds.standing(session, [interview.id]):
        if row.scope in EXAMPLES:
            await forgetting.withhold(session, interview.id, row.id)
        return
    answers = select(Answer.id).where(Answer.interview_id == interview.id)
    made_before = Analysis.answer_id.in_(answers) & (Analysis.created_at <= row.requested_at)
    counts: dict[str, int] = {}
    if row.scope in EXAMPLES:
        counts["examples"] = await forgetting.of_interview(session, interview.id, row.id)
    if row.scope == "training":  # reports do not rest on them
        _count(row, interview.id, counts)
        return
    if row.scope in FINDINGS:
        mine = delete(TranscriptCorrection).where(TranscriptCorrection.answer_id.in_(answers))
        counts["corrections"] = await _touched(session, mine.returning(TranscriptCorrection.id))
        counts["analyses"] = await _touched(
            session, delete(Analysis).where(made_before).returning(Analysis.id)
        )
    if row.scope in OBSERVATIONS:
        unseen = update(Analysis).where(made_before).values(observation_sealed=None)
        counts["analyses"] = await _touched(session, unseen.returning(Analysis.id))
    if row.scope in WORDS:
        silent = update(Answer).where(Answer.interview_id == interview.id)
        silent = silent.values(text_sealed=None, events={"facts": []}, marks=[])
        counts["answers"] = await _touched(session, silent.returning(Answer.id))
        await live.clear(session, interview.id)
    if row.scope in PERSON:
        counts["interviews"] = await _empty(session, interview)
    await session.flush()
    gone = await session.scalar(_REPORTS, {"erasure": row.id, "interview": interview.id})
    _count(row, interview.id, counts | (gone or {}))


async def _touched(
    session: TenantSession, statement: Any
) -> int:  # Any: update and delete share no public type
    return len((await session.execute(statement)).all())


async def _empty(session: TenantSession, interview: Interview) -> int:
    """The skeleton of an interview: that there was one, when, and how it ended."""
    interview.device_check, interview.human_reason = None, None
    interview.status, interview.erased_at = Status.ERASED, interview.erased_at or now()
    mine = update(Invitation).where(Invitation.id == interview.invitation_id, Invitation.closed_at.is_(None))
    await session.execute(mine.values(closed_at=now()))
    return 1


class Eraser:
    """The task `privacy.erase`. A second run about the same person, such as the command line's, waits for the first, and finds
    what is left to do."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def run(self, tenant_id: UUID, erasure_id: str) -> None:
        async with self._database.begin(tenant_id) as meanwhile:
            row = await meanwhile.get(Erasure, (tenant_id, UUID(erasure_id)))
            if row is not None:
                await meanwhile.execute(_ONE_AT_A_TIME, {"candidate": str(row.candidate_id)})
                await self._run(tenant_id, erasure_id)

    async def _run(self, tenant_id: UUID, erasure_id: str) -> None:
        async with self._database.begin(tenant_id) as session:
            row = await session.get(Erasure, (tenant_id, UUID(erasure_id)))
            if row is None or row.finished_at is not None:
                return
            access, scope = Access(actor="system", on_behalf_of=row.requested_by), row.scope
            meant = await _meant(session, row)
        for candidate_id, interview_id in meant:
            if interview_id is not None:
                async with self._database.begin(tenant_id, access) as session:
                    await self._interview(session, UUID(erasure_id), interview_id)
                if scope in PERSON:
                    await self._survey(tenant_id, UUID(erasure_id), candidate_id, interview_id, access)
        # Whoever asked comes last: by their address the others are found.
        for candidate_id in reversed(list(dict.fromkeys(candidate for candidate, _ in meant))):
            if scope in PERSON:
                await self._person(tenant_id, UUID(erasure_id), candidate_id, access)
        await Unlearner(self._database, self._store).run(tenant_id)
        async with self._database.begin(tenant_id, access) as session:
            await _finish(session, UUID(erasure_id))

    async def _interview(self, session: TenantSession, erasure_id: UUID, interview_id: UUID) -> None:
        """One interview, under its lock: whoever processes an answer waits, and then finds it gone."""
        query = select(Interview).where(Interview.id == interview_id).with_for_update()
        interview = (await session.scalars(query)).one()
        row = await _locked(session, erasure_id)
        if await holds.standing(session, [interview_id]):
            await erase_rows(session, row, interview)
            return
        if row.scope in MEDIA:
            answers = list(
                await session.scalars(select(Answer.id).where(Answer.interview_id == interview_id))
            )
            names = await object_names(session, self._store, answers)
            _count(
                row, interview_id, {"objects": len(names)} | await erase_media(session, self._store, answers)
            )
            interview.media_erased_at = interview.media_erased_at or now()
        await erase_rows(session, row, interview)
        if row.scope != "training":
            await recipients.ask_to_tell(session, interview_id)

    async def _survey(
        self, tenant_id: UUID, erasure_id: UUID, candidate_id: UUID, interview_id: UUID, access: Access
    ) -> None:
        """What the person said of the questions, in the one kind of session that sees it."""
        own = _own(access, candidate_id)
        async with self._database.begin(tenant_id, own) as session:
            if not await holds.standing(session, [interview_id]):
                row = await _locked(session, erasure_id)
                _count(row, interview_id, {"surveys": await survey.forget(session, interview_id)})

    async def _person(self, tenant_id: UUID, erasure_id: UUID, candidate_id: UUID, access: Access) -> None:
        """Name and addresses, where no interview of the person is left; their practice with them."""
        async with self._database.begin(tenant_id, _own(access, candidate_id)) as session:
            row = await _locked(session, erasure_id)
            if row.scope == "all":
                mine = update(Invitation).where(Invitation.candidate_id == candidate_id)
                await session.execute(mine.where(Invitation.closed_at.is_(None)).values(closed_at=now()))
                _count(row, candidate_id, {"history": await _history(session, row, candidate_id)})
            if await _something_left(session, candidate_id):
                return
            mine = delete(PracticeAttempt).where(PracticeAttempt.candidate_id == candidate_id)
            counts = {"practice": await _touched(session, mine.returning(PracticeAttempt.id))}
            declared = delete(Declaration).where(Declaration.candidate_id == candidate_id)
            counts["declarations"] = await _touched(session, declared.returning(Declaration.id))
            candidate = await session.get_one(Candidate, (tenant_id, candidate_id), with_for_update=True)
            if candidate.erased_at is None:
                forget(candidate)
                counts["candidates"] = 1
            _count(row, candidate_id, counts)


def _own(access: Access, candidate_id: UUID) -> Access:
    return Access(actor=access.actor, on_behalf_of=access.on_behalf_of, candidate_id=candidate_id)


async def _history(session: TenantSession, row: Erasure, candidate_id: UUID) -> int:
    """What was imported of the person from before."""
    candidate = await session.get_one(Candidate, (session.tenant_id, candidate_id))
    return await forgetting.of_person(session, await people.history_indexes(session, [candidate]), row.id)


def forget(candidate: Candidate) -> None:
    """The person becomes a row without a person; the address that stays belongs to nobody."""
    candidate.name, candidate.email = ERASED_NAME, f"erased:{candidate.id}"
    candidate.phone = candidate.id_number = None
    candidate.erased_at = now()


async def _locked(session: TenantSession, erasure_id: UUID) -> Erasure:
    return await session.get_one(Erasure, (session.tenant_id, erasure_id), with_for_update=True)


async def _meant(session: TenantSession, row: Erasure) -> list[tuple[UUID, UUID | None]]:
    """(candidate, interview) that the erasure is about, whoever asked first; fixed by the first run."""
    if "meant" not in row.progress:
        row.progress = {**row.progress, "meant": await _found(session, row)}
    return [(UUID(candidate), UUID(i) if i else None) for candidate, i in row.progress["meant"]]


async def _found(session: TenantSession, row: Erasure) -> list[list[str | None]]:
    if row.interview_id is not None:
        return [[str(row.candidate_id), str(row.interview_id)]]
    candidate = await session.get_one(Candidate, (session.tenant_id, row.candidate_id))
    rows = await people.rows_of(session, candidate)
    own: list[list[str | None]] = [[str(person.id), None] for person in rows]
    interviews = [a for a in await people.attended(session, rows) if a.interview]
    return own + [[str(a.invitation.candidate_id), str(a.interview.id)] for a in interviews if a.interview]


async def _something_left(session: TenantSession, candidate_id: UUID) -> bool:
    """An interview that is not erased, or an invitation that may still be opened."""
    query = (
        select(Invitation.id)
        .outerjoin(Interview, Interview.invitation_id == Invitation.id)
        .where(Invitation.candidate_id == candidate_id)
        .where((Interview.id.is_not(None) & Interview.erased_at.is_(None)) | _may_open())
        .limit(1)
    )
    return await session.scalar(query) is not None


def _may_open() -> Any:  # Any: SQLAlchemy's boolean clauses have no common public type
    return Interview.id.is_(None) & Invitation.closed_at.is_(None) & (Invitation.deadline > now())


def _count(row: Erasure, subject: UUID, counts: Mapping[str, int]) -> None:
    """The highest number seen per subject: a run that was cut short had more to count than the one after it."""
    known: dict[str, dict[str, int]] = dict(row.progress.get("counts", {}))
    mine = dict(known.get(str(subject), {}))
    for name, number in counts.items():
        mine[name] = max(number, mine.get(name, 0))
    row.progress = {**row.progress, "counts": {**known, str(subject): mine}}


async def _finish(session: TenantSession, erasure_id: UUID) -> None:
    """The receipt. Where a hold stands it says so and the erasure stays open for the next run."""
    row = await _locked(session, erasure_id)
    _count(row, row.id, {"learned": await unlearning.rows_of(session, row.id)})
    interviews = [interview for _, interview in await _meant(session, row) if interview]
    held = await holds.standing(session, interviews)
    finished: datetime | None = None if held else now()
    row.receipt = await receipts.compose(session, row, interviews, held, finished)
    row.finished_at = finished
    if finished:
        await events.append(
            session, "erasure.done", row.candidate_id, "system", cause=row.cause, scope=row.scope
        )
