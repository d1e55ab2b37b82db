"""What went wrong at work: jobs that stumble and are tried again, and those given up, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from duilian.infra import job_failures, jobs
from duilian.infra.database import TenantSession
from duilian.platform.console.shell import uuid_or_none
from duilian.platform.sessions.models import Answer

MENDED_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Trouble:
    """failures: how often it failed, 0 where it was given up or went through. at: when it failed last, of what went through.
    interview, position: of the answer it is about."""

    id: int
    task: str
    about: dict[str, str]
    reason: str
    failures: int = 0
    again_at: datetime | None = None
    interview: UUID | None = None
    position: int | None = None
    at: datetime | None = None


async def stumbling(
    session: TenantSession, locale: str, answers: Iterable[UUID] | None = None
) -> list[Trouble]:
    """answers: only what keeps these waiting."""
    ids = None if answers is None else [str(answer) for answer in answers]
    found = [
        Trouble(
            job.id, job.task_name, job.args, _reason(job.failure, locale), job.failures or 1, job.again_at
        )
        for job in await job_failures.stumbling(session, ids)
    ]
    return await _placed(session, found)


async def mended(session: TenantSession, locale: str) -> list[Trouble]:
    """What failed lately and went through in the end."""
    found = [
        Trouble(job.id, job.task_name, job.args, _reason(job.failure, locale), at=_at(job.failure))
        for job in await job_failures.mended(session, MENDED_WITHIN)
    ]
    return await _placed(session, found)


def _at(failure: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(failure["at"])


async def given_up(session: TenantSession, locale: str) -> list[Trouble]:
    dead = await jobs.dead_letters(session)
    found = [
        Trouble(job["id"], job["task_name"], job["args"], _reason(job["failure"], locale)) for job in dead
    ]
    return await _placed(session, found)


def _reason(failure: dict[str, Any] | None, locale: str) -> str:
    """Empty for a job that was given up before reasons were kept."""
    return (failure or {}).get("zh" if locale.startswith("zh") else "en", "")


async def _placed(session: TenantSession, found: list[Trouble]) -> list[Trouble]:
    """With the interview, where the reader may see it."""
    wanted = {answer for row in found if (answer := uuid_or_none(row.about.get("answer_id", ""))) is not None}
    query = select(Answer.id, Answer.interview_id, Answer.position).where(Answer.id.in_(wanted))
    places = {str(row.id): row for row in await session.execute(query)} if wanted else {}
    return [_with_place(row, places.get(row.about.get("answer_id", ""))) for row in found]


def _with_place(row: Trouble, place: Any) -> Trouble:  # Any: a row of the query above, or None
    about = {name: value for name, value in row.about.items() if name not in ("tenant_id", "version")}
    if place is None:
        return replace(row, about=about)
    return replace(row, about={}, interview=place.interview_id, position=place.position)
