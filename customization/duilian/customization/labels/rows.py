"""One row of a file of answers → a draft of an example with its marks, or what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from duilian.customization.lab.lines import LONGEST
from duilian.customization.labels.catalogue import Catalogue, Place
from duilian.customization.labels.cleaning import ERRORS, clean_text, compared, date_of, language_of
from duilian.customization.labels.findings import Finding, quoted
from duilian.customization.labels.mapping import Mapping
from duilian.customization.labels.reading import Row

LONGEST_QUESTION = 2000
LONGEST_REASON = 2000
LONGEST_NAME = 120
_YES = frozenset({"1", "是", "y", "yes", "true", "√", "✓", "优秀", "good", "x"})
_NO = frozenset({"", "0", "否", "n", "no", "false", "×", "-"})
_LANGUAGES = {"中文": "zh", "汉语": "zh", "普通话": "zh", "zh": "zh", "zhcn": "zh", "chinese": "zh", "cn": "zh",
              "英文": "en", "英语": "en", "en": "en", "enus": "en", "english": "en"}  # fmt: skip


@dataclass(frozen=True)
class DraftMark:
    """kind: first or second. original: the mark as the file has it."""

    kind: str
    level: int
    rater: str
    original: str
    reason: str


@dataclass(frozen=True)
class Draft:
    """A row that may be imported. answer is "" while its recording waits to be transcribed."""

    row: int
    place: Place
    question: str
    competency: str
    language: str
    answer: str
    audio: str
    person: str
    answered_on: date | None
    good: bool
    marks: list[DraftMark] = field(default_factory=list[DraftMark])

    def said(self, answer: str) -> Draft:
        """With the words of its recording."""
        return replace(self, answer=answer)


class Wrong(Exception):
    """A row that cannot be imported: field and code."""

    def __init__(self, field: str, code: str, **params: str) -> None:
        super().__init__(code)
        self.field, self.code, self.params = field, code, params


@dataclass(frozen=True)
class Reader:
    """recording: what is wrong with a named recording, "" where nothing is; None where there are no recordings."""

    mapping: Mapping
    catalogue: Catalogue
    recording: Callable[[str], str] | None = None

    def read(self, row: Row) -> Draft | Finding:
        try:
            return self._draft(row)
        except Wrong as wrong:
            return Finding(row=row.number, field=wrong.field, code=wrong.code, params=wrong.params)

    def _draft(self, row: Row) -> Draft:
        question = self._text(row, "question", LONGEST_QUESTION)
        if not question:
            raise Wrong("question", "question-missing")
        answer, audio = self._answer(row)
        place = self.catalogue.place(question, self.mapping.set_key)
        competency = self._competency(row, place)
        if place.is_new:
            place = replace(place, set_id=self.catalogue.rubric(competency, place))
        return Draft(
            row=row.number,
            place=place,
            question=question,
            competency=competency,
            language=self._language(row, answer or question),
            answer=answer,
            audio=audio,
            person=self._text(row, "person", LONGEST_NAME),
            answered_on=self._date(row),
            good=self._good(row),
            marks=self._marks(row),
        )

    def _text(self, row: Row, field: str, longest: int) -> str:
        raw = row.cells.get(self.mapping.columns.get(field, ""), "")
        if raw.strip() in ERRORS:
            raise Wrong(field, "cell-error", value=raw.strip())
        text = clean_text(raw)
        if len(text) > longest:
            raise Wrong(field, "too-long", most=str(longest), length=str(len(text)))
        return text

    def _answer(self, row: Row) -> tuple[str, str]:
        """(words, name of the recording), one of them."""
        answer = self._text(row, "answer", LONGEST)
        if self.recording is None or answer:
            if not compared(answer):
                raise Wrong("answer", "answer-missing")
            return answer, ""
        audio = self._text(row, "audio", LONGEST_QUESTION)
        if not audio:
            raise Wrong("audio", "audio-missing")
        if fault := self.recording(audio):
            raise Wrong("audio", fault, value=quoted(audio))
        return "", audio

    def _competency(self, row: Row, place: Place) -> str:
        said = self._text(row, "competency", LONGEST_NAME)
        if said:
            found = self.catalogue.competency(said, place)
            if found is None:
                known = "、".join(self.catalogue.names()[:12])
                raise Wrong("competency", "competency-unknown", value=quoted(said), known=known)
            return found
        found = self.mapping.competency or self.catalogue.only_competency(place)
        if not found:
            raise Wrong("competency", "competency-missing")
        return found

    def _language(self, row: Row, words: str) -> str:
        said = self._text(row, "language", LONGEST_NAME)
        if not said:
            return self.mapping.language or language_of(words)
        found = _LANGUAGES.get(compared(said))
        if found is None:
            raise Wrong("language", "language-unknown", value=quoted(said))
        return found

    def _date(self, row: Row) -> date | None:
        said = self._text(row, "date", LONGEST_NAME)
        found = date_of(said) if said else None
        if said and found is None:
            raise Wrong("date", "date-unreadable", value=quoted(said))
        return found

    def _good(self, row: Row) -> bool:
        said = self._text(row, "good", LONGEST_NAME).casefold()
        if said not in _YES | _NO:
            raise Wrong("good", "good-unclear", value=quoted(said))
        return said in _YES

    def _marks(self, row: Row) -> list[DraftMark]:
        reason = self._text(row, "reason", LONGEST_REASON)
        first = self._mark(row, "score", "rater", "first", reason)
        second = self._mark(row, "second_score", "second_rater", "second", "")
        if second and not first:
            raise Wrong("score", "second-without-first")
        if first and second and first.rater and compared(first.rater) == compared(second.rater):
            raise Wrong("second_rater", "same-rater", value=quoted(first.rater))
        return [mark for mark in (first, second) if mark]

    def _mark(self, row: Row, score: str, rater: str, kind: str, reason: str) -> DraftMark | None:
        said = self._text(row, score, LONGEST_NAME)
        if not said:
            return None
        level = self.mapping.scale.level(said)
        if level is None:
            raise Wrong(score, "score-off-scale", value=quoted(said))
        return DraftMark(kind, level, self._text(row, rater, LONGEST_NAME), quoted(said), reason)
