"""Reading reports and playing the recordings they quote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from litestar.response import Stream
from sqlalchemy import select

from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.infra.objects import ObjectStore
from duilian.platform.media.models import Recording
from duilian.platform.media.recordings import recording_of
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.documents import ReportDocument
from duilian.platform.reports.errors import BadRange, NoRecording, NoReportYet
from duilian.platform.reports.models import Report
from duilian.platform.sessions.models import Answer, Interview
from duilian.tenants.keyring import OpenTenantKey


@dataclass(frozen=True)
class Person:
    """Who an interview belongs to."""

    interview: Interview
    invitation: Invitation
    candidate: Candidate


async def person_of(session: TenantSession, interview_id: UUID, *, dry_runs: bool = False) -> Person:
    """Raises NotFound; another tenant's interview does not exist here, nor, unless asked for, does a dry run."""
    query = (
        select(Interview, Invitation, Candidate)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .where(Interview.id == interview_id)
    )
    row = (await session.execute(query)).first()
    if row is None or (row[0].dry_run and not dry_runs):
        raise NotFound
    return Person(*row)


async def report_of(session: TenantSession, interview: Interview) -> Report:
    """The newest revision. Raises NoReportYet."""
    query = (
        select(Report).where(Report.interview_id == interview.id).order_by(Report.revision.desc()).limit(1)
    )
    report = await session.scalar(query)
    if report is None:
        raise NoReportYet(status=interview.status)
    return report


def document(person: Person, report: Report) -> ReportDocument:
    """The report as programs read it."""
    whole: dict[str, Any] = {
        "interview": str(person.interview.id),
        "candidate": {"name": person.candidate.name, "email": person.candidate.email},
        "submitted_at": person.interview.submitted_at.isoformat() if person.interview.submitted_at else None,
        "revision": report.revision,
        "sha256": report.sha256,
        **report.content,
    }
    return cast(ReportDocument, whole)  # the stored part is the composer's, checked by its tests


async def recording(session: TenantSession, interview_id: UUID, key: str) -> Recording:
    """Raises NoRecording."""
    query = select(Answer.id).where(Answer.interview_id == interview_id, Answer.question_key == key)
    answer_id = await session.scalar(query)
    found = await recording_of(session, answer_id) if answer_id else None
    if found is None:
        raise NoRecording
    return found


def play(store: ObjectStore, key: OpenTenantKey, found: Recording, range_header: str | None) -> Stream:
    """The asked byte range, opened frame by frame: 206 with Content-Range, or the whole. Raises BadRange."""
    start, end = _range(range_header, found.size)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start), "Cache-Control": "no-store"}
    if range_header is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    return Stream(
        store.stream(key, found.object_name, start, end),
        status_code=200 if range_header is None else 206,
        media_type=found.content_type,
        headers=headers,
    )


def _range(header: str | None, size: int) -> tuple[int, int]:
    """One range as RFC 9110 §14.2 has it: `bytes=a-b`, `bytes=a-`, `bytes=-n`."""
    if header is None:
        return 0, size
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or match.group() == "bytes=-":
        raise BadRange
    first, last = match.groups()
    if first:
        start, end = int(first), min(size, int(last) + 1) if last else size
    else:
        start, end = max(0, size - int(last)), size
    if start >= end:
        raise BadRange
    return start, end
