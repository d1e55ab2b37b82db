"""The candidate corrects what was heard wrongly (更正转写): within the time allowed, until somebody decides.

Original, correction and difference are kept; the answer is scored again on the corrected text and the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, select

from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.jobs import defer
from duilian.platform.decisions.models import Decision
from duilian.platform.privacy import errors
from duilian.platform.scoring import correction
from duilian.platform.scoring.models import Analysis, TranscriptCorrection
from duilian.platform.scoring.rescore import READ, RESCORE
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Answer
from duilian.platform.sessions.opening import Visit
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import Status
from duilian.serving.contracts import Transcript

MOST = 5  # corrections of one answer


@dataclass(frozen=True)
class Window:
    """until: None where the interview is not handed in, or corrections are not offered at all."""

    until: datetime | None
    decided: bool

    @property
    def is_open(self) -> bool:
        return self.until is not None and not self.decided and now() < self.until


@dataclass(frozen=True)
class Line:
    """One spoken answer. text: as it counts now; heard: as it was recognised; left: corrections that may still be made."""

    key: str
    position: int
    language: str
    text: str
    heard: str
    left: int
    scoring: bool  # a correction is being scored

    @property
    def is_corrected(self) -> bool:
        return self.text != self.heard


async def window(session: TenantSession, visit: Visit) -> Window:
    interview = visit.interview
    hours = (await policy_of(session, interview)).correction_hours
    handed_in = Status(interview.status) in (Status.SUBMITTED, Status.REPORTED)
    query = select(Decision.id).where(Decision.interview_id == interview.id).limit(1)
    decided = await session.scalar(query) is not None
    if not hours or not handed_in or interview.submitted_at is None:
        return Window(None, decided)
    return Window(interview.submitted_at + timedelta(hours=hours), decided)


async def lines(session: TenantSession, visit: Visit) -> list[Line]:
    """Spoken answers with a transcript, in order. One whose words are still being read is not among them."""
    if Status(visit.interview.status) not in (Status.SUBMITTED, Status.REPORTED):
        return []
    answers = [a for a in await answers_of(session, visit.interview) if a.mode != "text" and a.state in READ]
    found = [await _line(session, answer) for answer in answers]
    return [line for line in found if line is not None]


async def _line(session: TenantSession, answer: Answer) -> Line | None:
    transcript = await _heard(session, answer)
    if transcript is None:
        return None
    newest = await _newest(session, answer)
    return Line(
        key=answer.question_key,
        position=answer.position,
        language=transcript.language,
        text=newest.text if newest else transcript.text,
        heard=transcript.text,
        left=MOST - (newest.number if newest else 0),
        scoring=newest is not None and newest.scored_at is None,
    )


async def correct(session: TenantSession, visit: Visit, key: str, text: str) -> TranscriptCorrection | None:
    """None where nothing was changed. The visit holds the interview's lock.

    Raises CorrectionClosed, NoTranscript, TooManyCorrections, CorrectionEmpty, CorrectionTooLarge.
    """
    if not (await window(session, visit)).is_open:
        raise errors.CorrectionClosed
    answers = [a for a in await answers_of(session, visit.interview) if a.question_key == key]
    transcript = await _heard(session, answers[0]) if answers else None
    if transcript is None:
        raise errors.NoTranscript
    text, newest = " ".join(text.split()), await _newest(session, answers[0])
    if not text:
        raise errors.CorrectionEmpty
    if text == (newest.text if newest else transcript.text):
        return None
    number = newest.number + 1 if newest else 1
    if number > MOST:
        raise errors.TooManyCorrections(most=MOST)
    return await _keep(session, visit, answers[0], transcript.text, text, number)


async def _keep(
    session: TenantSession, visit: Visit, answer: Answer, heard: str, text: str, number: int
) -> TranscriptCorrection:
    share = correction.check(heard, text)
    row = TranscriptCorrection(
        answer_id=answer.id,
        number=number,
        original=heard,
        text=text,
        changes=correction.changes(heard, text),
        changed_share=share,
        made_at=now(),
        scored_at=None,
    )
    session.add(row)
    await session.flush()
    facts = {"question": answer.question_key, "number": number, "changed_share": share}
    await events.append(session, "transcript.corrected", visit.interview.id, session.access.actor, **facts)
    await defer(session, RESCORE, lock=f"answer:{answer.id}", correction_id=str(row.id))
    return row


async def _heard(session: TenantSession, answer: Answer) -> Transcript | None:
    """As the recogniser gave it; nothing where there are no words, or the candidate wrote."""
    if answer.mode == "text" or answer.state not in READ:
        return None
    analysis = await session.scalar(select(Analysis).where(Analysis.answer_id == answer.id))
    if analysis is None or analysis.transcript is None:
        return None
    transcript = msgspec.convert(analysis.transcript, Transcript)
    return transcript if transcript.text else None


async def _newest(session: TenantSession, answer: Answer) -> TranscriptCorrection | None:
    query = select(TranscriptCorrection).where(TranscriptCorrection.answer_id == answer.id)
    return await session.scalar(query.order_by(TranscriptCorrection.number.desc()).limit(1))


async def waiting(session: TenantSession, answers: list[Answer]) -> int:
    """Corrections that are still to be scored."""
    query = select(func.count()).where(
        TranscriptCorrection.answer_id.in_([a.id for a in answers]), TranscriptCorrection.scored_at.is_(None)
    )
    return await session.scalar(query) or 0
