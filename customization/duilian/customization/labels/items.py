"""Items: a question under a competency. What was asked, and which answers deserve the highest levels."""

from __future__ import annotations

from uuid import UUID

from duilian.customization.labels.models import Example
from duilian.customization.schemas import Competency, Question, QuestionSet, words
from duilian.customization.service import questions_of
from duilian.infra.database import TenantSession

LOCALE_OF = {"zh": "zh-CN", "en": "en"}
TOP = (4, 5)  # levels whose anchors say what a good answer holds
OWN_QUESTION = "imported"  # in place of a set's key, where the question belongs to no published set


def item_of(set_key: str, question_key: str, competency: str) -> str:
    return f"{set_key}/{question_key}/{competency}"


async def content(session: TenantSession, set_id: UUID | None) -> QuestionSet | None:
    """Of the very version that the example was given under."""
    return await questions_of(session, set_id) if set_id else None


async def asked(session: TenantSession, example: Example) -> str:
    """The question's words in the example's language."""
    question = await question_of(session, example)
    return words(question.text, LOCALE_OF[example.language]) if question else example.question or ""


async def question_of(session: TenantSession, example: Example) -> Question | None:
    questions = await content(session, example.set_id)
    return questions.question(example.question_key) if questions else None


async def competency_of(session: TenantSession, example: Example) -> Competency | None:
    """With its ladder; None where no published set knows it."""
    questions = await content(session, example.set_id)
    found = questions.competencies if questions else []
    return next((c for c in found if c.key == example.competency), None)


async def anchors(session: TenantSession, example: Example) -> list[str]:
    """`references` of the very version that the example was given under; [] where no published set knows it."""
    questions = await content(session, example.set_id)
    question = await question_of(session, example)
    if questions is None:
        return []
    return references(questions, question, example.competency, LOCALE_OF[example.language])


def references(questions: QuestionSet, question: Question | None, competency: str, locale: str) -> list[str]:
    """What the rubric says of the highest levels; and the procedure that the question asks for, as one text in its order, so
    that a model's facts of content and order (learned.facts) are measured against it."""
    ladder = next((c.levels for c in questions.competencies if c.key == competency), [])
    found = [words(level.anchor, locale) for level in ladder if level.level in TOP]
    if question and question.procedure and question.procedure.competency == competency:
        found.append("。".join(words(step.text, locale) for step in question.procedure.steps))
    return found
