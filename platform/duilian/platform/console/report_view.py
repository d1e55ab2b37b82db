"""What the report page shows, prepared so that the template only places it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.labels.models import Example
from duilian.customization.schemas import Step
from duilian.customization.service import questions_of
from duilian.infra.database import TenantSession
from duilian.infra.errors import BadRequest
from duilian.platform.console.failures_view import Trouble, stumbling
from duilian.platform.decisions.models import Decision, Override
from duilian.platform.decisions.service import decisions_of, overrides_of
from duilian.platform.privacy.transcripts import waiting
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports import opinions, why
from duilian.platform.reports.counterfactual import Counterfactual, probe_of
from duilian.platform.reports.errors import NoRecording, NoReportYet
from duilian.platform.reports.models import Report
from duilian.platform.reports.service import Person, report_of
from duilian.platform.scoring import refusals
from duilian.platform.sessions import steps
from duilian.platform.sessions.answering import answers_of
from duilian.platform.sessions.models import Answer, StepMark
from duilian.platform.sessions.states import SETTLED
from duilian.tenants.actors import Actor
from duilian.tenants.models import Member


@dataclass(frozen=True)
class Piece:
    """A run of transcript text. marks: numbers of the competencies whose evidence it is; start, end in seconds."""

    text: str
    start: float | None
    end: float | None
    marks: list[int]


@dataclass(frozen=True)
class ReportView:
    report: Report | None
    content: dict[str, Any]
    pieces: dict[str, list[Piece]]  # by answer key
    reasons: dict[str, str]  # by answer key: why it cannot be scored
    competency_reasons: dict[str, list[str]]
    total_reasons: list[str]
    decisions: list[tuple[Decision, str]]  # with the member's name
    overrides: dict[str, Override]
    overriders: dict[str, str]  # by competency: the member's name
    steps: dict[str, list[dict[str, Any]]]  # by answer key: steps of a task as an assessor timed them
    why: dict[str, list[tuple[int, list[str]]]]  # by competency: what a model of the company's own went by
    opinions: dict[str, list[tuple[int, list[str]]]]  # by competency: what a language model said beside it
    settled: int
    answers: int
    troubles: list[Trouble]  # answers that wait for another attempt
    corrections_waiting: int  # made by the candidate and not scored yet
    probe: Counterfactual | None  # None until it has run, or where there was nothing to swap
    examples: dict[
        str, list[tuple[UUID, int]]
    ]  # by competency: answers to agree with or correct, with their position

    @property
    def ready(self) -> bool:
        return self.report is not None


async def build(session: TenantSession, person: Person, locale: str) -> ReportView:
    settled, count = await _progress(session, person.interview.id)
    try:
        report: Report | None = await report_of(session, person.interview)
    except NoReportYet:
        report = None
    made, overrides = (
        await decisions_of(session, person.interview.id),
        await overrides_of(session, person.interview.id),
    )
    names = await _names(session, {row.member_id for row in [*made, *overrides.values()]})
    answers = await answers_of(session, person.interview)
    marks = await steps.marks_of(session, answers)
    content: dict[str, Any] = whole(report.content) if report else {"answers": [], "competencies": []}
    return ReportView(
        report=report,
        content=content,
        pieces={a["key"]: transcript_pieces(a, content["competencies"]) for a in content["answers"]},
        reasons={a["key"]: refusals.sentence(a["reason"], locale) for a in content["answers"] if a["reason"]},
        competency_reasons={
            c["key"]: list(dict.fromkeys(refusals.sentence(r, locale) for r in c["reasons"]))
            for c in content["competencies"]
        },
        total_reasons=[refusals.sentence(r, locale) for r in content["total"]["reasons"]] if report else [],
        decisions=[(decision, names[decision.member_id]) for decision in made],
        overrides=overrides,
        overriders={key: names[row.member_id] for key, row in overrides.items()},
        steps={a["key"]: _assessed(a, marks.get(a["key"], {})) for a in content["answers"]},
        why=why.said(content, locale),
        opinions=opinions.said(content, locale),
        settled=settled,
        answers=count,
        troubles=[] if report else await stumbling(session, locale, [a.id for a in answers]),
        corrections_waiting=await waiting(session, answers),
        probe=await probe_of(session, report.id) if report else None,
        examples=await _examples(session, answers),
    )


def whole(content: dict[str, Any]) -> dict[str, Any]:
    """A report as today's page reads it: one of an earlier format lacks what did not exist then."""
    since = {"steps": [], "correction": None, "procedure": None}
    scored = [{"why": [], "cuts": None} | competency for competency in content["competencies"]]
    return content | {"answers": [since | answer for answer in content["answers"]], "competencies": scored}


def _assessed(answer: dict[str, Any], marks: dict[str, StepMark]) -> list[dict[str, Any]]:
    task = msgspec.convert(
        [{"key": s["step"], "text": s["text"], "norm_seconds": s["norm_seconds"]} for s in answer["steps"]],
        list[Step],
    )
    known = {step.key for step in task}
    return steps.timed(task, {key: mark.at_ms for key, mark in marks.items() if key in known})


async def _progress(session: TenantSession, interview_id: UUID) -> tuple[int, int]:
    query = select(func.count().filter(Answer.state.in_(SETTLED)), func.count()).where(
        Answer.interview_id == interview_id
    )
    settled, count = (await session.execute(query)).one()
    return settled, count


async def _examples(session: TenantSession, answers: list[Answer]) -> dict[str, list[tuple[UUID, int]]]:
    """Of answers whose person agreed to training; the newest text of each."""
    positions = {answer.id: answer.position for answer in answers}
    query = select(Example).where(Example.answer_id.in_(positions), Example.withheld_at.is_(None))
    newest = {(e.competency, e.answer_id): e.id for e in await session.scalars(query.order_by(Example.id))}
    found: dict[str, list[tuple[UUID, int]]] = {}
    for (competency, answer_id), example_id in newest.items():
        if answer_id is not None:
            found.setdefault(competency, []).append((example_id, positions[answer_id]))
    return {key: sorted(rows, key=lambda row: row[1]) for key, rows in found.items()}


async def _names(session: TenantSession, members: set[UUID]) -> dict[UUID, str]:
    rows = await session.scalars(select(Member).where(Member.id.in_(members)))
    return {row.id: row.name for row in rows}


def transcript_pieces(answer: dict[str, Any], competencies: list[dict[str, Any]]) -> list[Piece]:
    """The transcript cut at words and at the borders of quotes; together the pieces are the text again."""
    transcript = answer["transcript"]
    if transcript is None:
        return []
    spans = [
        (number, e["offset"], e["offset"] + len(e["quote"]))
        for number, competency in enumerate(competencies)
        for e in competency["evidence"]
        if e["answer"] == answer["key"]
    ]
    text, words = transcript["text"], transcript["words"]
    cuts = {0, len(text)} | {edge for _, first, last in spans for edge in (first, last)}
    cuts |= {edge for w in words for edge in (w["offset"], w["offset"] + len(w["text"]))}
    ordered = sorted(cuts)
    by_offset = sorted(words, key=lambda w: w["offset"])
    return [_piece(text, a, b, by_offset, spans) for a, b in itertools.pairwise(ordered)]


def _piece(
    text: str, first: int, last: int, words: list[dict[str, Any]], spans: list[tuple[int, int, int]]
) -> Piece:
    word = next((w for w in words if w["offset"] <= first < w["offset"] + len(w["text"])), None)
    marks = sorted({number for number, start, end in spans if start <= first and last <= end})
    return Piece(text[first:last], word["start"] if word else None, word["end"] if word else None, marks)


async def mark_step(session: TenantSession, person: Person, key: str, step: str, second: str) -> None:
    """Raises NoRecording, UnknownStep, BadRequest."""
    query = select(Answer).where(Answer.interview_id == person.interview.id, Answer.question_key == key)
    answer = await session.scalar(query)
    question = (await questions_of(session, person.interview.set_id)).question(key)
    if answer is None or question is None:
        raise NoRecording
    try:
        at_ms = round(float(second) * 1000)
    except (ValueError, OverflowError) as error:
        raise BadRequest(reason="second") from error
    if not 0 <= at_ms <= 900_000:
        raise BadRequest(reason="second")
    await steps.mark(session, question, answer, step, at_ms)


async def invitee(session: TenantSession, invitation: Invitation) -> Candidate:
    return await session.get_one(Candidate, (session.tenant_id, invitation.candidate_id))


async def set_locale(session: TenantSession, actor: Actor, locale: str) -> None:
    if actor.member_id is not None:
        (await session.get_one(Member, (session.tenant_id, actor.member_id))).locale = locale
