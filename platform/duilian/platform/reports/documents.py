"""The report as programs read it (docs/report.md)."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from duilian.platform.scoring.pooling import CompetencyScore, Outcome


class Person(TypedDict):
    name: str
    email: str


class Total(TypedDict):
    """score and standard_error on 0–10; both None unless the outcome is "scored"."""

    outcome: Outcome
    score: float | None
    standard_error: float | None
    provisional: bool
    weight_scored: int
    reasons: list[dict[str, Any]]


class AnswerDocument(TypedDict):
    """procedure: which steps the answer names and in which order, where the question asks for one. correction: what the candidate changed in the transcript, with the text as it was heard; the corrected text is
    what was scored. transcript, star, delivery and quality as docs/report.md has them; None where the answer was not read."""

    key: str
    position: int
    kind: str
    question: dict[str, str]
    mode: str | None
    outcome: str
    reason: dict[str, Any] | None
    transcript: dict[str, Any] | None
    correction: dict[str, Any] | None
    star: dict[str, Any] | None
    on_topic: float | None
    delivery: dict[str, Any] | None
    quality: dict[str, Any]
    steps: list[dict[str, Any]]
    procedure: dict[str, Any] | None


class IntegrityFact(TypedDict):
    """at and seconds into the answer's recording."""

    answer: str
    kind: str
    at: float
    seconds: float
    characters: int


class HumanReview(TypedDict):
    needed: bool
    reason: str | None


class ReportDocument(TypedDict):
    interview: str
    candidate: Person
    submitted_at: str | None
    revision: int
    sha256: str
    format: int
    language: str
    locale: str
    total: Total
    competencies: list[CompetencyScore]
    answers: list[AnswerDocument]
    integrity: list[IntegrityFact]
    human_review: HumanReview
    versions: dict[str, str]


class RunningCompetency(TypedDict):
    """level 1–5 with its words; score and standard_error on 0–10. All None unless the outcome is "scored".

    answers_used of answers_read carried evidence; answers_asked is how many the whole interview asks for.
    """

    key: str
    name: str
    outcome: Outcome | Literal["not_yet"]
    level: int | None
    level_label: str | None
    score: float | None
    standard_error: float | None
    answers_used: int
    answers_read: int
    answers_asked: int
    reasons: list[str]


class RunningDocument(TypedDict):
    """Scores so far (docs/live.md). reason: why there are none, in words; competencies: empty then."""

    state: Literal["running", "not_allowed", "human_route"]
    reason: str | None
    provisional: bool
    answers_read: int
    answers: int
    competencies: list[RunningCompetency]
