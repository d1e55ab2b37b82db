"""The survey after handing in (题目反馈): voluntary, seen by its candidate, and otherwise only counted.

Two doors, as for declared groups: the candidate's own session reads, writes and erases the candidate's own; `counted`
reads all of a set in a session that the database lets do nothing else with the table. What was said is told without
names, words in an order that says nothing, and only where enough people answered: of one, counts say as much as words. No scorer and no page of an interview comes here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, delete, func, select, text

from duilian.customization.revision.order import Said
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, TenantSession
from duilian.platform.opinions.errors import NotHandedIn
from duilian.platform.opinions.models import Survey
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.states import Status

FELT = ("hard", "right", "easy")
LONGEST_WORDS = 2000
LEAST_TOLD = 5  # surveys of a set, under which nothing of what they say is told
MOST_TOLD = 50
OPEN = frozenset({Status.SUBMITTED, Status.REPORTED, Status.HUMAN_ROUTE})


@dataclass(frozen=True)
class Counted:
    """What all candidates said of a set. said: by question; words: free texts; neither below `LEAST_TOLD` surveys."""

    n: int
    said: dict[str, Said]
    words: list[str]


def may_answer(interview: Interview) -> bool:
    return Status(interview.status) in OPEN and not interview.dry_run


async def own(session: TenantSession, interview_id: UUID | None = None) -> list[Survey]:
    """The candidate's surveys, or that of one interview; in the candidate's own session, empty in any other."""
    query = select(Survey).order_by(Survey.id)
    if interview_id is not None:
        query = query.where(Survey.interview_id == interview_id)
    return list(await session.scalars(query))


async def save(
    session: TenantSession, candidate_id: UUID, interview: Interview, set_key: str,
    answers: Mapping[str, Mapping[str, Any]], words: str,
) -> Survey | None:  # fmt: skip
    """In place of what was said before; nothing said leaves nothing. Raises NotHandedIn."""
    if not may_answer(interview):
        raise NotHandedIn
    await forget(session, interview.id)
    kept = {key: cleaned for key, given in answers.items() if (cleaned := _cleaned(given))}
    said = words.strip()[:LONGEST_WORDS] or None
    if not kept and said is None:
        return None
    row = Survey(
        candidate_id=candidate_id, interview_id=interview.id, set_key=set_key, answers=kept, words=said,
        given_at=now(),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def forget(session: TenantSession, interview_id: UUID) -> int:
    """In the candidate's own session; how many are gone."""
    gone = delete(Survey).where(Survey.interview_id == interview_id).returning(Survey.id)
    return len((await session.execute(gone)).all())


def document(row: Survey) -> dict[str, Any]:
    return {
        "interview": str(row.interview_id),
        "given_at": row.given_at.isoformat(),
        "answers": row.answers,
        "words": row.words,
    }


async def counted(database: Database, tenant_id: UUID, set_key: str) -> Counted:
    """For proposals and their page alone. Never shown beside a person, never stored by a person."""
    async with database.begin(tenant_id, Access(actor="system:statistics", units=frozenset())) as session:
        await session.execute(text("select set_config('app.statistics', 'on', true)"))
        shuffled = func.md5(cast(Survey.id, String))  # the number itself tells when it was given
        query = select(Survey).where(Survey.set_key == set_key).order_by(shuffled)
        rows = list(await session.scalars(query))
        told = rows if len(rows) >= LEAST_TOLD else []
        words = [row.words for row in told if row.words]
    return Counted(len(rows), _counts(told), words[:MOST_TOLD])


def _counts(rows: list[Survey]) -> dict[str, Said]:
    """Whoever answered and did not call a question unclear found it clear."""
    found: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys((*FELT, "unclear"), 0))
    for row in rows:
        for question, given in row.answers.items():
            found[question]["unclear"] += bool(given["unclear"])
            if given["felt"]:
                found[question][given["felt"]] += 1
    return {question: Said(**counts, asked=len(rows)) for question, counts in found.items()}


def _cleaned(given: Mapping[str, Any]) -> dict[str, Any] | None:
    felt = given.get("felt")
    unclear = bool(given.get("unclear"))
    felt = felt if felt in FELT else None
    return {"felt": felt, "unclear": unclear} if felt or unclear else None
