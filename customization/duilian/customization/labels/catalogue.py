"""Finding the tenant's questions and competencies by the words of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from duilian.customization.labels.cleaning import compared
from duilian.customization.labels.items import OWN_QUESTION
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_sets
from duilian.infra.database import TenantSession

_NUMBERING = re.compile(
    r"^\s*(?:第?\s*[0-9一二三四五六七八九十]{1,3}\s*[题、.．:：)）]|[Qq]\s*[0-9]{1,3}\s*[.:：、)）]?)\s*"
)
KEY_CHARACTERS = 12  # of the digest by which a question of no published set is known


@dataclass(frozen=True)
class Place:
    """Where a question belongs. is_new: no set holds it, and its own words are kept; set_id is then of the rubric."""

    set_id: UUID | None
    set_key: str
    question_key: str
    is_new: bool = False


class Catalogue:
    """The newest version of each published set."""

    def __init__(self, sets: list[tuple[UUID, QuestionSet]]) -> None:
        self._sets = sets
        self._questions: dict[str, list[Place]] = {}
        self._competencies: dict[tuple[str, str], str] = {}
        for set_id, content in sets:
            for question in content.questions:
                for words in [question.key, *question.text.values()]:
                    place = Place(set_id, content.key, question.key)
                    self._questions.setdefault(compared(words), []).append(place)
            for competency in content.competencies:
                for words in [competency.key, *competency.name.values()]:
                    self._competencies[content.key, compared(words)] = competency.key

    def place(self, question: str, set_key: str) -> Place:
        """By its key or its words, numbered or not. Of several sets the named one, else the first."""
        for words in (question, _NUMBERING.sub("", question)):
            found = self._questions.get(compared(words), [])
            if found:
                return next((place for place in found if place.set_key == set_key), found[0])
        digest = sha256(compared(_NUMBERING.sub("", question)).encode()).hexdigest()
        return Place(self._id(set_key), set_key or OWN_QUESTION, digest[:KEY_CHARACTERS], is_new=True)

    def rubric(self, competency: str, place: Place) -> UUID | None:
        """The set whose ladder an answer to a new question is rated by: the named one, else the first that knows it."""
        knowing = [
            set_id for set_id, content in self._sets if competency in {c.key for c in content.competencies}
        ]
        return place.set_id if place.set_id in knowing else next(iter(knowing), None)

    def competency(self, said: str, place: Place) -> str | None:
        """By key or name, in the place's set first; None where no set knows it."""
        if found := self._competencies.get((place.set_key, compared(said))):
            return found
        wanted = compared(said)
        return next((key for (_, name), key in self._competencies.items() if name == wanted), None)

    def only_competency(self, place: Place) -> str | None:
        """Of a question that asks for one alone."""
        content = next((content for set_id, content in self._sets if set_id == place.set_id), None)
        question = content.question(place.question_key) if content else None
        return question.competencies[0] if question and len(question.competencies) == 1 else None

    def names(self) -> list[str]:
        """Of all competencies, for whoever has to correct a row."""
        return sorted({c.name["zh-CN"] for _, content in self._sets for c in content.competencies})

    def _id(self, set_key: str) -> UUID | None:
        return next((set_id for set_id, content in self._sets if content.key == set_key), None)


async def catalogue_of(session: TenantSession) -> Catalogue:
    return Catalogue([(row.id, content_of(row)) for row in await newest_sets(session)])
