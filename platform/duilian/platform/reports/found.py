"""What was found in an answer, as far as policy and person let it be shown. Both may have changed their mind since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from duilian.customization.schemas import QuestionSet
from duilian.platform.scoring import refusals
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.pooling import ReadAnswer
from duilian.platform.scoring.requests import written_transcript
from duilian.platform.sessions.models import Answer, Interview
from duilian.serving.contracts import Observation, ScoreResponse, Transcript
from duilian.tenants.policy import Feature, Policy, Rule


@dataclass(frozen=True)
class Permitted:
    """What may be shown. refusal: why nothing was scored, where nothing may be."""

    scores: bool
    pictures: bool
    gaze: bool
    expression: bool
    delivery: bool
    refusal: dict[str, Any] | None


@dataclass(frozen=True)
class Found:
    transcript: Transcript | None = None
    heard: Transcript | None = None  # before the candidate corrected it, where that was so
    observation: Observation | None = None
    voices: list[list[float]] = field(default_factory=list[list[float]])
    judged: ScoreResponse | None = None
    refusal: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)


def permitted(policy: Policy, decided: Mapping[str, bool | None]) -> Permitted:
    scores = policy.may(Feature.SPEECH_SCORING, decided)
    asked = policy.line(Feature.SPEECH_SCORING).rule == Rule.CONSENT
    refusal = refusals.ScoringRefused() if asked else refusals.ScoringNotAllowed()
    return Permitted(
        scores=scores,
        pictures=policy.may(Feature.FACE_PRESENCE, decided),
        gaze=policy.may(Feature.GAZE, decided),
        expression=policy.may(Feature.EXPRESSION, decided),
        delivery=policy.may(Feature.DELIVERY_MEASURES, decided),
        refusal=None if scores else refusals.stored(refusal),
    )


def found(interview: Interview, answer: Answer, analysis: Analysis | None, may: Permitted) -> Found:
    if analysis is None:
        return Found(transcript=_written(interview, answer), refusal=answer.failure or _not_answered())
    transcript = msgspec.convert(analysis.transcript, Transcript | None)
    if not may.scores:
        own_words = transcript if transcript and not transcript.audio_seconds else None
        return Found(transcript=own_words, refusal=analysis.refusal or may.refusal)
    observation = msgspec.convert(analysis.observation, Observation | None)
    versions = dict(analysis.versions)
    if observation is not None and not may.pictures:
        versions = {name: v for name, v in versions.items() if name not in observation.versions}
        observation = None
    judged = msgspec.convert(analysis.judged, ScoreResponse | None)
    shown = _shown(observation, may) if observation is not None else None
    corrected = msgspec.convert(analysis.corrected, Transcript | None)
    return Found(
        transcript=corrected or transcript,
        heard=transcript if corrected else None,
        observation=shown,
        voices=analysis.voices or [],
        judged=judged,
        refusal=analysis.refusal,
        versions=versions,
    )


def as_read(questions: QuestionSet, answer: Answer, seen: Found) -> ReadAnswer:
    """The answer as the pool takes it."""
    question = questions.question(answer.question_key)
    assert question is not None
    return ReadAnswer(
        key=answer.question_key,
        competencies=list(question.competencies),
        transcript=seen.transcript,
        judged=seen.judged,
        refusal=seen.refusal,
    )


def _shown(observation: Observation, may: Permitted) -> Observation:
    """Without what was looked at when it might be, and may not be shown any more."""
    if not may.gaze:
        frames = [msgspec.structs.replace(frame, gaze=None) for frame in observation.frames]
        observation = msgspec.structs.replace(observation, frames=frames, look_away_times=[], blinks=None)
    if not may.expression:
        frames = [msgspec.structs.replace(frame, smiling=None) for frame in observation.frames]
        observation = msgspec.structs.replace(observation, frames=frames, smiles=None)
    return observation


def _written(interview: Interview, answer: Answer) -> Transcript | None:
    """A written answer is read as it stands, whatever models may do."""
    return (
        written_transcript(answer.text, "zh" if interview.language == "zh" else "en") if answer.text else None
    )


def _not_answered() -> dict[str, Any]:
    return refusals.stored(refusals.NotAnswered())
