"""The state of an interview as its candidate may see it. A question's words are shown once it is opened."""

from __future__ import annotations

from datetime import timedelta

from duilian.customization.schemas import Question, words
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.media import chunks
from duilian.platform.media.chain import head
from duilian.platform.media.models import Take
from duilian.platform.sessions import consents
from duilian.platform.sessions.answering import answers_of, takes_allowed
from duilian.platform.sessions.documents import InterviewState, QuestionState, SegmentState, TakeState
from duilian.platform.sessions.models import Answer
from duilian.platform.sessions.opening import Visit
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import ANSWERED, AnswerState, Status


async def interview_state(session: TenantSession, visit: Visit) -> InterviewState:
    interview = visit.interview
    answers = await answers_of(session, interview)
    policy = await policy_of(session, interview)
    questions = [await question_state(session, visit, answer) for answer in answers]
    return {
        "id": str(interview.id),
        "status": interview.status,
        "server_time": now().isoformat(),
        "not_before": visit.invitation.not_before.isoformat() if visit.invitation.not_before else None,
        "deadline": interview.deadline.isoformat(),
        "locale": interview.locale,
        "policy": {"jurisdiction": policy.jurisdiction, "version": interview.policy_version},
        "consents": {
            "version": consents.VERSION,
            "decisions": await consents.decisions_of(session, interview, policy),
        },
        "questions": questions,
        "current": next((a.question_key for a in answers if a.state not in ANSWERED), None),
        "feedback_ready": interview.status == Status.REPORTED,
    }


async def question_state(session: TenantSession, visit: Visit, answer: Answer) -> QuestionState:
    question = visit.questions.question(answer.question_key)
    assert question is not None
    take = await chunks.newest_take(session, answer.id)
    opened = answer.state != AnswerState.PENDING
    return {
        "key": question.key,
        "kind": question.kind,
        "modes": list(question.modes),
        "think_seconds": question.think_seconds,
        "answer_seconds": question.answer_seconds,
        "min_seconds": question.min_seconds,
        "takes_allowed": takes_allowed(question, answer),
        "position": answer.position,
        "takes_used": take.number if take else 0,
        "state": _shown(answer),
        "text": words(question.text, visit.interview.locale) if opened else None,
        "answer_text": answer.text,
        "steps": [
            {"key": step.key, "text": words(step.text, visit.interview.locale)}
            for step in (question.steps if opened else [])
        ],
        "opened_at": answer.opened_at.isoformat() if answer.opened_at else None,
        "think_until": _think_until(question, answer),
        "take": await take_view(session, visit, answer.question_key, take) if take else None,
    }


def _shown(answer: Answer) -> str:
    """Whether an answer could be scored is no news for the middle of an interview."""
    return "saved" if answer.state in ANSWERED and answer.state != AnswerState.SKIPPED else answer.state


def _think_until(question: Question, answer: Answer) -> str | None:
    if answer.opened_at is None:
        return None
    return (answer.opened_at + timedelta(seconds=question.think_seconds)).isoformat()


async def take_view(session: TenantSession, visit: Visit, key: str, take: Take) -> TakeState:
    def segment(state: chunks.SegmentState) -> SegmentState:
        return {
            "number": state.number,
            "next": state.next,
            "missing": state.missing,
            "chunks": state.chunks,
            "bytes": state.bytes,
            "head": head(visit.interview.id, key, take.number, state.number, state.hashes),
            "seconds": float(state.chunks),  # the recorder cuts about one a second
        }

    return {
        "number": take.number,
        "mode": take.mode,
        "finished": take.finished_at is not None,
        "segments": [segment(state) for state in await chunks.take_state(session, take)],
        "certificate": take.certificate,
    }
