"""Steps of a hands-on task (实操步骤): when each ended, how long it took, and how that stands to the norm.

The candidate marks a step while answering, an assessor while watching the recording. Facts to be shown: nothing here
enters a score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.schemas import Question, Step
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.platform.sessions import errors
from duilian.platform.sessions.models import Answer, StepMark


def kept(question: Question, marks: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """marks: (step, ms into the answer). Of steps that the question has, the last mark of each, in order of time."""
    known = {step.key for step in question.steps}
    last = {step: at for step, at in marks if step in known}
    return [{"step": step, "at_ms": at} for step, at in sorted(last.items(), key=lambda item: item[1])]


def timed(steps: Sequence[Step], ended: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each step with its end and its duration in seconds, None where nobody marked it.

    A step lasts from the mark before it, whichever step that was, to its own; the first from the answer's beginning.
    in_order: False where a step that comes later in the task was marked earlier.
    """
    at = sorted(ended.items(), key=lambda item: item[1])
    lasted = {key: end - start for (_, start), (key, end) in pairwise([("", 0), *at])}
    place = {step.key: number for number, step in enumerate(steps)}
    disordered = {
        key for i, (key, _) in enumerate(at) if any(place[k] > place[key] for k, _ in at[:i])
    }  # fmt: skip
    return [
        {
            "step": step.key,
            "text": step.text,
            "norm_seconds": step.norm_seconds,
            "ended_at": ended[step.key] / 1000 if step.key in ended else None,
            "seconds": round(lasted[step.key] / 1000, 1) if step.key in ended else None,
            "in_order": step.key not in disordered,
        }
        for step in steps
    ]


def by_candidate(question: Question, answer: Answer) -> list[dict[str, Any]]:
    """The task as the candidate marked it; empty where it has no steps."""
    return timed(question.steps, {mark["step"]: mark["at_ms"] for mark in answer.marks})


async def marks_of(session: TenantSession, answers: Sequence[Answer]) -> dict[str, dict[str, StepMark]]:
    """The assessor's marks, by question and step."""
    keys = {answer.id: answer.question_key for answer in answers}
    found: dict[str, dict[str, StepMark]] = {}
    for mark in await session.scalars(select(StepMark).where(StepMark.answer_id.in_(keys))):
        found.setdefault(keys[mark.answer_id], {})[mark.step] = mark
    return found


async def mark(session: TenantSession, question: Question, answer: Answer, step: str, at_ms: int) -> None:
    """An assessor's mark; setting it again moves it. Raises UnknownStep."""
    if step not in {one.key for one in question.steps}:
        raise errors.UnknownStep
    values = {"at_ms": at_ms, "marked_by": session.access.actor, "marked_at": now()}
    row = {"tenant_id": session.tenant_id, "id": new_id(), "answer_id": answer.id, "step": step} | values
    await session.execute(
        insert(StepMark)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "answer_id", "step"], set_=values)
    )
    about = {"question": answer.question_key, "step": step, "at_ms": at_ms}
    audit.record(session, "step.marked", "interview", answer.interview_id, after=about)
