"""The candidate's commands on one interview. Each is safe to repeat and refuses with a reason."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from sqlalchemy import select

from duilian.customization.schemas import Question
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.jobs import defer
from duilian.platform.media import chunks, finish
from duilian.platform.media.models import Take
from duilian.platform.sessions import consents, errors, steps
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.opening import Visit
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import ANSWERED, SETTLED, UNFINISHED, AnswerState, Status
from duilian.tenants.closures import require_open

PROCESS = "scoring.process_answer"
REPORT = "reports.compose"
TEXT_LIMIT = 6000
FACTS_LIMIT = 500
STEP_DONE = "step_done"
# Reasons that another recording can mend: the person is asked again, and the refused take does not count.
MENDABLE = frozenset({
    "silence", "too-little-speech", "poor-recognition", "wrong-language", "question-read-back", "broken-media", "empty-recording",
})  # fmt: skip


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What the page saw: what, when (ms into the answer), for how long. `step_done` is a mark of the candidate, the
    others are integrity facts.
    """

    kind: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(tab_hidden|window_blur|paste|resumed|device_lost|recording_failed|offline|step_done)$"
        ),
    ]
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=36_000_000)]
    for_ms: Annotated[int, msgspec.Meta(ge=0, le=36_000_000)] = 0
    length: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0  # characters pasted
    step: Annotated[str, msgspec.Meta(max_length=40)] = ""  # of a hands-on task


def require_running(interview: Interview) -> None:
    """Raises Erased, Expired, AlreadySubmitted, WithPerson, NotStarted."""
    status = Status(interview.status)
    if status == Status.ERASED:
        raise errors.Erased
    if status == Status.EXPIRED:
        raise errors.Expired
    if status in (Status.SUBMITTED, Status.REPORTED):
        raise errors.AlreadySubmitted
    if status == Status.HUMAN_ROUTE:
        raise errors.WithPerson
    if status != Status.IN_PROGRESS:
        raise errors.NotStarted


def require_unfinished(interview: Interview) -> None:
    if Status(interview.status) not in UNFINISHED:
        require_running(interview)


async def give_consents(
    session: TenantSession, visit: Visit, version: str, decisions: dict[str, bool]
) -> None:
    """Refusing the recording leads to a person; anything else can be started with."""
    require_unfinished(visit.interview)
    policy = await policy_of(session, visit.interview)
    await consents.decide(session, visit.interview, policy, version, decisions)
    actor = "candidate"
    await events.append(
        session, "consent.decided", visit.interview.id, actor, version=version, decisions=decisions
    )
    if not decisions.get("recording", True):
        await ask_for_person(session, visit, "recording refused")
    elif visit.interview.status == Status.INVITED:
        visit.interview.status = Status.CONSENTED


async def ask_for_person(session: TenantSession, visit: Visit, reason: str) -> None:
    if visit.interview.status == Status.HUMAN_ROUTE:
        return
    require_unfinished(visit.interview)
    visit.interview.status = Status.HUMAN_ROUTE
    visit.interview.human_reason = reason[:500]
    visit.invitation.closed_at = now()
    await events.append(session, "interview.human_requested", visit.interview.id, "candidate")


async def start(session: TenantSession, visit: Visit) -> None:
    """Raises ConsentNeeded, TooEarly, TenantClosing, and what an interview that is over refuses."""
    if visit.interview.status == Status.IN_PROGRESS:
        return
    if visit.interview.status == Status.INVITED:
        raise errors.ConsentNeeded
    require_unfinished(visit.interview)
    require_open(visit.tenant)
    if visit.is_early:
        assert visit.invitation.not_before is not None
        raise errors.TooEarly(start=visit.invitation.not_before.isoformat())
    visit.interview.status = Status.IN_PROGRESS
    visit.interview.started_at = now()
    await events.append(session, "interview.started", visit.interview.id, "candidate")


async def answers_of(session: TenantSession, interview: Interview) -> list[Answer]:
    query = select(Answer).where(Answer.interview_id == interview.id).order_by(Answer.position)
    return list(await session.scalars(query))


async def answer_to(session: TenantSession, visit: Visit, key: str) -> tuple[Question, Answer]:
    """Raises UnknownQuestion."""
    question = visit.questions.question(key)
    query = select(Answer).where(Answer.interview_id == visit.interview.id, Answer.question_key == key)
    answer = await session.scalar(query)
    if question is None or answer is None:
        raise errors.UnknownQuestion
    return question, answer


async def open_question(session: TenantSession, visit: Visit, key: str) -> Answer:
    """Reveal a question, in order, and start its clock; opening it again changes nothing."""
    require_running(visit.interview)
    _, answer = await answer_to(session, visit, key)
    if answer.state == AnswerState.PENDING:
        earlier = [a for a in await answers_of(session, visit.interview) if a.position < answer.position]
        if any(a.state not in ANSWERED for a in earlier):
            raise errors.QuestionLocked
        answer.state = AnswerState.OPEN
        answer.opened_at = now()
    return answer


async def begin_take(session: TenantSession, visit: Visit, key: str, mode: str, content_type: str) -> Take:
    """Raises NoRetakesLeft, ModeNotAllowed, AnswerClosed."""
    question, answer = await _open_answer(session, visit, key)
    if mode not in question.modes or mode == "text":
        raise errors.ModeNotAllowed(modes=", ".join(question.modes))
    take = await chunks.new_take(session, answer.id, mode, content_type, takes_allowed(question, answer))
    answer.state, answer.mode = AnswerState.RECORDING, mode
    return take


def is_asked_again(answer: Answer) -> bool:
    return answer.state == AnswerState.FAILED and (answer.failure or {}).get("code") in MENDABLE


def takes_allowed(question: Question, answer: Answer) -> int:
    """One more than the question has, where the last could not be scored for a reason that another may mend."""
    return question.takes + is_asked_again(answer)


async def finish_take(
    session: TenantSession,
    visit: Visit,
    key: str,
    number: int,
    claimed: list[finish.FinishedSegment],
    facts: list[Fact],
) -> dict[str, Any]:
    """The certificate; the answer is processed from now on."""
    require_running(visit.interview)
    question, answer = await answer_to(session, visit, key)
    take = await chunks.take_numbered(session, answer.id, number)
    already = take.certificate is not None
    certificate = await finish.finish_take(session, visit.key, take, visit.interview.id, key, claimed)
    if not already:
        _save(answer, take.mode, facts)
        marks = [(fact.step, fact.at_ms) for fact in facts if fact.kind == STEP_DONE]
        answer.take_number, answer.marks = number, steps.kept(question, marks)
        await _process(session, answer)
    return certificate


async def write_text(session: TenantSession, visit: Visit, key: str, text: str, facts: list[Fact]) -> Answer:
    """Raises TextTooLong, TextEmpty, ModeNotAllowed."""
    question, answer = await _open_answer(session, visit, key)
    if "text" not in question.modes:
        raise errors.ModeNotAllowed(modes=", ".join(question.modes))
    if len(text) > TEXT_LIMIT:
        raise errors.TextTooLong(limit=TEXT_LIMIT)
    if not text.strip():
        raise errors.TextEmpty
    if answer.text == text.strip() and answer.state in ANSWERED:
        return answer
    answer.text, answer.marks = text.strip(), []
    _save(answer, "text", facts)
    await _process(session, answer)
    return answer


async def submit(session: TenantSession, visit: Visit, leave_unanswered: bool) -> None:
    """Hand in. Raises Unanswered unless told to leave questions out. Repeated, it changes nothing."""
    if visit.interview.status in (Status.SUBMITTED, Status.REPORTED):
        return
    require_running(visit.interview)
    answers = await answers_of(session, visit.interview)
    unanswered = [a for a in answers if a.state not in ANSWERED]
    if unanswered and not leave_unanswered:
        raise errors.Unanswered(count=len(unanswered), questions=[a.question_key for a in unanswered])
    for answer in unanswered:
        answer.state = AnswerState.SKIPPED
    visit.interview.status = Status.SUBMITTED
    visit.interview.submitted_at = now()
    visit.invitation.closed_at = now()
    if not visit.interview.dry_run:  # nobody is told of it
        await events.append(session, "interview.submitted", visit.interview.id, "candidate")
    await report_if_settled(session, visit.interview)


async def report_if_settled(session: TenantSession, interview: Interview) -> None:
    """Write the report's job once nothing is left to process. The caller holds the interview's row."""
    states = {a.state for a in await answers_of(session, interview)}
    if interview.status == Status.SUBMITTED and states <= SETTLED:
        await defer(session, REPORT, lock=f"report:{interview.id}", interview_id=str(interview.id))


async def _open_answer(session: TenantSession, visit: Visit, key: str) -> tuple[Question, Answer]:
    require_running(visit.interview)
    question, answer = await answer_to(session, visit, key)
    if answer.state == AnswerState.PENDING:
        raise errors.QuestionNotOpen
    return question, answer


def _save(answer: Answer, mode: str, facts: list[Fact]) -> None:
    answer.state, answer.mode, answer.answered_at, answer.failure = AnswerState.SAVED, mode, now(), None
    seen = [fact for fact in facts if fact.kind != STEP_DONE]
    answer.events = {"facts": [msgspec.to_builtins(fact) for fact in seen[:FACTS_LIMIT]]}


async def _process(session: TenantSession, answer: Answer) -> None:
    assert answer.answered_at is not None
    await session.flush()
    version = answer.answered_at.isoformat()
    await defer(session, PROCESS, lock=f"answer:{answer.id}", answer_id=str(answer.id), version=version)
