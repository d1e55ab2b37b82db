"""A question set (题组) as people write it: one YAML file with the job, its competencies and its questions.

Words for people are maps of locale → words, complete in every language the set offers. Rubrics are behaviourally
anchored rating scales (BARS, Smith & Kendall 1963): five levels per competency, each with an anchor and keywords.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

LOCALES = ("zh-CN", "en")
Locale = Literal["zh-CN", "en"]
Words = dict[str, str]
Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=900)]
Mode = Literal["video", "audio", "text"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every piece of a set."""


class Level(Part, frozen=True, kw_only=True):
    level: Annotated[int, msgspec.Meta(ge=1, le=5)]
    label: Words
    anchor: Words
    keywords: dict[str, list[str]]


Cuts = tuple[float, float, float, float]
HALFWAY: Cuts = (1.5, 2.5, 3.5, 4.5)


class Competency(Part, frozen=True, kw_only=True, omit_defaults=True):
    """cuts: borders between the levels on the judges' scale 1–5 (分界点), rising; None where they lie halfway.

    Left out where it is None, so that a set from before it existed is, byte for byte, still the same set.
    """

    key: Key
    name: Words
    description: Words
    weight: Annotated[int, msgspec.Meta(ge=1, le=100)]
    levels: list[Level]
    advice: Words
    cuts: Cuts | None = None


class Step(Part, frozen=True, kw_only=True):
    """One step of a hands-on task. norm_seconds: what a practised person needs."""

    key: Key
    text: Words
    norm_seconds: Annotated[int, msgspec.Meta(ge=1, le=900)]


class ProcedureStep(Part, frozen=True, kw_only=True):
    """safety: leaving it out endangers somebody. keywords: words that name the step, by locale."""

    key: Key
    text: Words
    keywords: dict[str, list[str]] = {}
    safety: bool = False


class Procedure(Part, frozen=True, kw_only=True):
    """What an account of this question should name, in order. competency: whose level it bears on; one of the question's."""

    competency: Key
    steps: Annotated[list[ProcedureStep], msgspec.Meta(min_length=2, max_length=20)]


class Question(Part, frozen=True, kw_only=True):
    """steps: of a hands-on task, in order; when each ends is marked and timed, and never scored. procedure: what an account
    should name; which steps are named, and in which order, is scored."""

    key: Key
    kind: Literal["self_introduction", "structured", "scenario"]
    text: Words
    think_seconds: Seconds = 30
    answer_seconds: Annotated[int, msgspec.Meta(ge=5, le=900)] = 120
    min_seconds: Seconds = 10
    takes: Annotated[int, msgspec.Meta(ge=1, le=5)] = 2
    modes: list[Mode] = msgspec.field(default_factory=lambda: ["video", "audio", "text"])
    competencies: list[Key]
    hint: Words = {}
    # The language it is to be answered in, where that is not the interview's (口语题); terms to listen for besides the
    # tenant's own.
    language: Literal["zh", "en"] | None = None
    vocabulary: dict[str, list[str]] = {}
    steps: Annotated[list[Step], msgspec.Meta(max_length=20)] = []
    procedure: Procedure | None = None


class Practice(Part, frozen=True, kw_only=True):
    key: Key = "practice"
    modes: list[Mode] = msgspec.field(default_factory=lambda: ["video", "audio", "text"])
    text: Words
    think_seconds: Seconds = 10
    answer_seconds: Seconds = 30


class Job(Part, frozen=True, kw_only=True):
    key: Key
    title: Words
    department: Words
    description: Words


class QuestionSet(Part, frozen=True, kw_only=True):
    version: int = 1  # of the file's format
    key: Key
    title: Words
    industry: str
    role_type: Literal["graduate", "experienced", "manager"]
    job: Job
    competencies: list[Competency]
    questions: list[Question]
    practice: Practice

    def competency(self, key: str) -> Competency:
        return next(c for c in self.competencies if c.key == key)

    def question(self, key: str) -> Question | None:
        return next((q for q in self.questions if q.key == key), None)

    @property
    def minutes(self) -> int:
        """Think and answer time of all questions, rounded up."""
        return -(-sum(q.think_seconds + q.answer_seconds for q in self.questions) // 60)


def words(map_: Words, locale: str) -> str:
    """The words for `locale`; sets are checked to be complete when they are published."""
    return map_[locale] if locale in map_ else map_[LOCALES[0]]
