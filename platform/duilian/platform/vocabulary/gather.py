"""What a vocabulary is made of and measured on: history, corrections and recordings of people who allow training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from duilian.customization.labels.items import LOCALE_OF
from duilian.customization.labels.models import Example
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_sets, questions_of
from duilian.customization.vocabulary.misheard import Fixed
from duilian.customization.vocabulary.proposing import LOCALES, History, Said
from duilian.infra.database import TenantSession
from duilian.platform.media.recordings import recording_of
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.scoring.models import TranscriptCorrection
from duilian.platform.scoring.requests import spoken_in
from duilian.platform.sessions import consents
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.policy import policy_of
from duilian.tenants.policy import Feature
from duilian.tenants.service import current_tenant

UNKNOWN = "unknown"
MOST_TEXTS = 5_000  # the newest answers of the history
MOST_CORRECTED, MOST_OTHERS = 60, 30  # recordings heard twice, the newest


@dataclass(frozen=True)
class Recorded:
    """reference: what the candidate says was said, None where it was not corrected."""

    person: str
    locale: str
    object_name: str
    reference: str | None


class Gathered(NamedTuple):
    history: History
    recorded: list[Recorded]


class _Corrected(NamedTuple):
    fixed: Fixed
    answer_id: UUID


async def gather(session: TenantSession) -> Gathered:
    corrected = await _corrected(session)
    tenant, examples = await current_tenant(session), await _examples(session)
    history = History(
        said=[Said(_person(one), LOCALE_OF[one.language], one.answer) for one in examples],
        fixed=[one.fixed for one in corrected],
        own=await _own_words(session),
        known=tenant.vocabulary,
    )
    return Gathered(history, await _recordings(session, corrected, examples))


def _person(example: Example) -> str:
    """Answers of whom nobody knows count as one person's, who may have given them all: they cannot make a word look common."""
    return example.person_index.hex() if example.person_index else UNKNOWN


async def _examples(session: TenantSession) -> list[Example]:
    query = select(Example).where(Example.withheld_at.is_(None)).order_by(Example.id.desc())
    return list(await session.scalars(query.limit(MOST_TEXTS)))


async def _own_words(session: TenantSession) -> dict[str, str]:
    """What the question sets say, by locale."""
    sets = [content_of(row) for row in await newest_sets(session)]
    return {locale: "\n".join(_words(content, locale) for content in sets) for locale in LOCALES}


def _words(content: QuestionSet, locale: str) -> str:
    questions = [question.text.get(locale, "") for question in content.questions]
    anchors = [level.anchor.get(locale, "") for one in content.competencies for level in one.levels]
    return "\n".join([*questions, *anchors])


async def _corrected(session: TenantSession) -> list[_Corrected]:
    """The newest correction of each answer, of interviews whose person and policy allow training."""
    query = (
        select(TranscriptCorrection, Answer, Interview, Candidate.email_index)
        .join(Answer, Answer.id == TranscriptCorrection.answer_id)
        .join(Interview, Interview.id == Answer.interview_id)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .where(Interview.dry_run.is_(False), Candidate.erased_at.is_(None))
        .distinct(TranscriptCorrection.answer_id)
        .order_by(TranscriptCorrection.answer_id, TranscriptCorrection.number.desc())
    )
    found: list[_Corrected] = []
    for row, answer, interview, person in await session.execute(query):
        question = (await questions_of(session, interview.set_id)).question(answer.question_key)
        if question is not None and await _may(session, interview):
            locale = LOCALE_OF[spoken_in(interview, question)[0]]
            fixed = Fixed(person=person.hex(), locale=locale, heard=row.original, text=row.text)
            found.append(_Corrected(fixed, answer.id))
    return found


async def _may(session: TenantSession, interview: Interview) -> bool:
    policy = await policy_of(session, interview)
    decided = await consents.decisions_of(session, interview, policy)
    return policy.may(Feature.TRAINING, decided) and policy.may(Feature.SPEECH_SCORING, decided)


async def _recordings(
    session: TenantSession, corrected: list[_Corrected], examples: list[Example]
) -> list[Recorded]:
    """Corrected ones, then others for words that nobody said. Examples of interviews have the consent to training."""
    known = {one.answer_id for one in corrected}
    others: dict[UUID, Example] = {}
    for one in examples:
        if one.answer_id is not None and one.answer_id not in known:
            others.setdefault(one.answer_id, one)
    wanted = [(one.answer_id, one.fixed.person, one.fixed.locale, one.fixed.text) for one in corrected]
    wanted = wanted[-MOST_CORRECTED:]
    more = [(key, _person(one), LOCALE_OF[one.language], None) for key, one in others.items()]
    found: list[Recorded] = []
    for answer_id, person, locale, reference in [*wanted, *more[:MOST_OTHERS]]:
        recording = await recording_of(session, answer_id)
        if recording is not None:
            found.append(Recorded(person, locale, recording.object_name, reference))
    return found
