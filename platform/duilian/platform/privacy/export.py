"""A person's copy of everything held about them (数据副本): data.json, recordings, transcripts, feedback, practice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from duilian.customization.labels import forgetting
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.decisions.service import decisions_of
from duilian.platform.media.models import Recording
from duilian.platform.opinions import strictness, survey
from duilian.platform.privacy import declarations, people, practice, receipts, recipients
from duilian.platform.privacy.holdings import Held
from duilian.platform.privacy.looks import looks
from duilian.platform.privacy.zips import Member, whole
from duilian.platform.recruiting.models import Candidate
from duilian.platform.reports.errors import NoReportYet
from duilian.platform.reports.service import report_of
from duilian.platform.scoring.models import Analysis, TranscriptCorrection
from duilian.platform.sessions.models import Answer, ConsentRecord, Interview
from duilian.tenants.keyring import Keyring, OpenTenantKey, keys_of

FORMAT = 1
_ENDINGS = {
    "video/webm": "webm",
    "audio/webm": "webm",
    "audio/ogg": "ogg",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Copy:
    """What was read in the request's transaction; recordings and practice follow while it is sent."""

    candidate: Candidate
    key: OpenTenantKey
    document: Json
    texts: list[tuple[str, bytes]]
    recordings: list[tuple[str, Recording]]


async def gather(session: TenantSession, held: Held, feedback: dict[str, Json]) -> Copy:
    """feedback: by interview, as its candidate reads it."""
    interviews = [await _interview(session, interview) for interview in held.interviews]
    answers = {answer.id: answer for answer in await people.answers_in(session, held.interviews)}
    document = {
        "format": FORMAT,
        "made_at": now().isoformat(),
        "person": [{"name": c.name, "email": c.email, "phone": c.phone} for c in held.candidates],
        "holdings": msgspec.to_builtins(held.holdings),
        "invitations": [
            {"id": str(a.invitation.id), "made_at": a.invitation.created_at.isoformat(),
             "deadline": a.invitation.deadline.isoformat()}
            for a in held.attended
        ],
        "interviews": interviews,
        "labels": await forgetting.copy_of(
            session,
            await people.history_indexes(session, held.candidates),
            [i.id for i in held.interviews],
        ),
        "looked": [{"at": x.at.isoformat(), "role": x.role, "what": x.what} for x in await looks(session, held.subjects)],
        "recipients": [
            {"recipient": r.recipient, "what": r.what, "passed_at": r.passed_at.isoformat(), "state": r.state}
            for r in await recipients.of(session, [i.id for i in held.interviews])
        ],
        "erasures": [row.receipt for c in held.candidates for row in await receipts.of(session, c.id) if row.receipt],
    }  # fmt: skip
    texts = [(f"feedback/{name}.json", msgspec.json.encode(f)) for name, f in feedback.items()]
    texts += _transcripts(interviews)
    return Copy(held.candidates[0], keys_of(session), document, texts, await _recordings(session, answers))


async def members(
    copy: Copy, database: Database, keyring: Keyring, store: ObjectStore
) -> AsyncIterator[Member]:
    """The files, each opened when its turn comes."""
    yield Member("data.json", whole(msgspec.json.format(msgspec.json.encode(copy.document), indent=2)))
    for name, content in copy.texts:
        yield Member(name, whole(content))
    for name, found in copy.recordings:
        pieces = store.stream(copy.key, found.object_name, 0, found.size)
        yield Member(name, pieces, compressed=False)
    async with practice.own_session(database, copy.key.tenant_id, copy.candidate.id) as session:
        kept = [(row.id, row.created_at, row.content_type) for row in await practice.attempts(session)]
        declared = await declarations.own(session)
        surveyed = [survey.document(row) for row in await survey.own(session)]
    if surveyed:
        yield Member("survey.json", whole(msgspec.json.format(msgspec.json.encode(surveyed), indent=2)))
    if declared:
        yield Member("groups.json", whole(msgspec.json.format(msgspec.json.encode(declared), indent=2)))
    for attempt_id, at, content_type in kept:
        async with practice.own_session(database, copy.key.tenant_id, copy.candidate.id) as session:
            _, content = await practice.open_attempt(session, keyring, attempt_id)
        yield Member(
            f"practice/{at:%Y%m%d-%H%M%S}-{attempt_id.hex[-6:]}.{_ending(content_type)}", whole(content)
        )


async def _interview(session: TenantSession, interview: Interview) -> Json:
    consents = (
        select(ConsentRecord).where(ConsentRecord.interview_id == interview.id).order_by(ConsentRecord.id)
    )
    answers = select(Answer).where(Answer.interview_id == interview.id).order_by(Answer.position)
    return {
        "id": str(interview.id),
        "status": interview.status,
        "policy": interview.policy_version,
        "started_at": interview.started_at.isoformat() if interview.started_at else None,
        "submitted_at": interview.submitted_at.isoformat() if interview.submitted_at else None,
        "device_check": interview.device_check,
        "consents": [
            {"purpose": c.purpose, "granted": c.granted, "at": c.decided_at.isoformat(), "text_sha256": c.text_sha256}
            for c in await session.scalars(consents)
        ],
        "answers": [await _answer(session, answer) for answer in list(await session.scalars(answers))],
        "report": await _report(session, interview),
        "decisions": [
            {"outcome": d.outcome, "reason": d.reason, "at": d.decided_at.isoformat()}
            for d in await decisions_of(session, interview.id)
        ],
        "strictness": [
            {"competency": j.competency or None, "verdict": j.verdict, "note": j.note, "at": j.judged_at.isoformat()}
            for j in await strictness.of_interviews(session, [interview.id])
        ],
    }  # fmt: skip


async def _answer(session: TenantSession, answer: Answer) -> Json:
    analysis = await session.scalar(select(Analysis).where(Analysis.answer_id == answer.id))
    corrections = select(TranscriptCorrection).where(TranscriptCorrection.answer_id == answer.id)
    corrections = corrections.order_by(TranscriptCorrection.number)
    return {
        "position": answer.position,
        "question": answer.question_key,
        "state": answer.state,
        "mode": answer.mode,
        "written": answer.text,
        "page_facts": answer.events.get("facts", []),
        "transcript": analysis.transcript if analysis else None,
        "pictures": analysis.observation if analysis else None,
        "voices": analysis.voices if analysis else None,
        "steps": answer.marks,
        "corrections": [
            {
                "number": row.number,
                "made_at": row.made_at.isoformat(),
                "heard": row.original,
                "text": row.text,
                "changes": row.changes,
            }
            for row in await session.scalars(corrections)
        ],
        "judged": analysis.judged if analysis else None,
        "cannot_be_scored": analysis.refusal if analysis else answer.failure,
    }


async def _report(session: TenantSession, interview: Interview) -> Json | None:
    try:
        return (await report_of(session, interview)).content
    except NoReportYet:
        return None


def _transcripts(interviews: list[Json]) -> list[tuple[str, bytes]]:
    return [
        (f"transcripts/{i['id']}/{a['position']:02}-{a['question']}.txt", a["transcript"]["text"].encode())
        for i in interviews
        for a in i["answers"]
        if a["transcript"]
    ]


async def _recordings(session: TenantSession, answers: dict[Any, Answer]) -> list[tuple[str, Recording]]:
    query = select(Recording).where(Recording.answer_id.in_(answers)).order_by(Recording.id)
    return [
        (_recording_name(answers[found.answer_id], found), found) for found in await session.scalars(query)
    ]


def _recording_name(answer: Answer, found: Recording) -> str:
    stem = f"{answer.position:02}-{answer.question_key}-{found.take_id.hex[-6:]}"
    return f"recordings/{answer.interview_id}/{stem}.{_ending(found.content_type)}"


def _ending(content_type: str) -> str:
    kind = content_type.partition(";")[0].strip()
    return _ENDINGS.get(kind, "txt" if kind.startswith("text/") else "bin")
