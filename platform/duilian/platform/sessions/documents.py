"""What the candidate API answers, as programs see it (docs/architecture.md). Times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import Any, TypedDict


class SegmentState(TypedDict):
    """What has arrived of a segment. next: the first number not yet here; head in hex over [0, next)."""

    number: int
    next: int
    missing: list[int]
    chunks: int
    bytes: int
    head: str
    seconds: float


class TakeState(TypedDict):
    """certificate: None until the take is finished."""

    number: int
    mode: str
    finished: bool
    segments: list[SegmentState]
    certificate: dict[str, Any] | None  # signed as it is: its members are those of the day it was made


class StepState(TypedDict):
    key: str
    text: str


class QuestionState(TypedDict):
    """text: None until the question is opened, and steps empty; answer_text: of a written answer."""

    key: str
    kind: str
    modes: list[str]
    think_seconds: int
    answer_seconds: int
    min_seconds: int
    takes_allowed: int
    position: int
    takes_used: int
    state: str
    text: str | None
    answer_text: str | None
    steps: list[StepState]
    opened_at: str | None
    think_until: str | None
    take: TakeState | None


class ConsentState(TypedDict):
    """decisions: by purpose, None where nothing was decided."""

    version: str
    decisions: dict[str, bool | None]


class PolicyState(TypedDict):
    """What rules govern the interview; version: None before it was opened."""

    jurisdiction: str
    version: str | None


class InterviewState(TypedDict):
    """current: key of the next question without an answer. not_before: where the law sets a notice period."""

    id: str
    status: str
    server_time: str
    not_before: str | None
    deadline: str
    locale: str
    policy: PolicyState
    consents: ConsentState
    questions: list[QuestionState]
    current: str | None
    feedback_ready: bool


class Certificate(TypedDict, total=False):
    """measured_seconds comes once the recording has been put together."""

    interview: str
    question: str
    take: int
    heads: list[str]
    chunks: int
    bytes: int
    duration_ms: int
    verified: bool
    verified_at: str
    signature: str
    measured_seconds: float


class ChunkState(TypedDict):
    next: int
    missing: list[int]


class SegmentNumber(TypedDict):
    number: int


class Saved(TypedDict):
    saved: bool
