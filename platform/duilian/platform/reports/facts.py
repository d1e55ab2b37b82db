"""Facts beside the scores: integrity and quality, verbatim, with times. Never weighed."""

from __future__ import annotations

from statistics import median
from typing import Any
from uuid import UUID

from duilian.platform.reports.found import Found
from duilian.platform.sessions.models import Answer
from duilian.serving.contracts import Observation

LONG_HIDDEN_MS = 3000
# Set aside by the scorer (docs/scoring-defences.md) and worth a reviewer's look; the rest is ordinary talk.
NOT_OWN = {
    "addressed": "to_the_marker",
    "leaked": "known_answer",
    "recited": "read_back",
    "listed": "keyword_list",
}
LONG_AWAY = 4.0  # seconds; a shorter look aside is thinking


def integrity_facts(answers: list[Answer], seen: dict[UUID, Found]) -> list[dict[str, Any]]:
    """Each fact: answer, kind, at (seconds), and what is known of it."""
    facts: list[dict[str, Any]] = []
    for answer in answers:
        facts += [
            _page_fact(answer.question_key, fact) for fact in answer.events.get("facts", []) if _worth(fact)
        ]
        observation = seen[answer.id].observation
        if observation is not None:
            facts += _seen(answer.question_key, "second_face", observation, observation.second_face_times)
            facts += _seen(answer.question_key, "no_face", observation, observation.no_face_times)
            away = _seen(answer.question_key, "look_away", observation, observation.look_away_times)
            facts += [fact for fact in away if fact["seconds"] >= LONG_AWAY]
        facts += [_heard(answer.question_key, start, end) for start, end in seen[answer.id].voices]
        facts += _set_aside(answer.question_key, seen[answer.id])
        facts += _apart(answer.question_key, seen[answer.id])
    return facts


def _worth(fact: dict[str, Any]) -> bool:
    """A glance away for a second is no fact to keep before a person's eyes."""
    return fact["kind"] not in ("tab_hidden", "window_blur") or fact["for_ms"] >= LONG_HIDDEN_MS


def _page_fact(answer: str, fact: dict[str, Any]) -> dict[str, Any]:
    return {
        "answer": answer,
        "kind": fact["kind"],
        "at": fact["at_ms"] / 1000,
        "seconds": fact["for_ms"] / 1000,
        "characters": fact["length"],
    }


def _seen(answer: str, kind: str, observation: Observation, times: list[float]) -> list[dict[str, Any]]:
    """One fact per stretch of neighbouring frames; its seconds reach to the first frame that is otherwise."""
    facts: list[dict[str, Any]] = []
    frames = [frame.time for frame in observation.frames]
    ends = dict(zip(frames, [*frames[1:], frames[-1]], strict=True)) if frames else {}
    reached = None
    for time in times:
        if facts and time == reached:
            facts[-1]["seconds"] = ends[time] - facts[-1]["at"]
        else:
            facts.append(
                {"answer": answer, "kind": kind, "at": time, "seconds": ends[time] - time, "characters": 0}
            )
        reached = ends[time]
    return facts


def _heard(answer: str, start: float, end: float) -> dict[str, Any]:
    seconds = round(end - start, 2)
    return {"answer": answer, "kind": "second_voice", "at": start, "seconds": seconds, "characters": 0}


def _set_aside(answer: str, seen: Found) -> list[dict[str, Any]]:
    """One fact per reason: what was said to whoever marks, or is not the person's own; its length in characters."""
    if seen.judged is None or seen.transcript is None:
        return []
    facts: list[dict[str, Any]] = []
    for reason, kind in NOT_OWN.items():
        found = [a for a in seen.judged.set_aside if a.reason == reason]
        if found:
            at = next((w.start for w in seen.transcript.words if w.offset >= found[0].offset), 0.0)
            said = sum(len(a.text) for a in found)
            facts.append({"answer": answer, "kind": kind, "at": at, "seconds": 0.0, "characters": said})
    return facts


def _apart(answer: str, seen: Found) -> list[dict[str, Any]]:
    """A language model's level lay so far from the scorer's that a person has to look."""
    judgements = seen.judged.judgements if seen.judged else []
    apart = any(one.opinion and one.opinion.outcome == "apart" for one in judgements)
    fact = {"answer": answer, "kind": "opinion_apart", "at": 0.0, "seconds": 0.0, "characters": 0}
    return [fact] if apart else []


def quality_facts(seen: Found) -> dict[str, Any]:
    """Sound and picture in numbers with units in their names."""
    facts: dict[str, Any] = {}
    transcript, observation = seen.transcript, seen.observation
    if transcript is not None and transcript.audio_seconds:
        facts |= {
            "audio_seconds": transcript.audio_seconds,
            "speech_seconds": transcript.speech_seconds,
            "loudness_dbfs": transcript.loudness_dbfs,
            "signal_to_noise_db": transcript.signal_to_noise_db,
            "confidence": transcript.confidence,
        }
    if observation is not None:
        facts |= {"face_present_share": observation.face_present_share, "lighting": observation.lighting}
        facts |= _picture_facts(observation)
    return facts


def _picture_facts(observation: Observation) -> dict[str, Any]:
    """What was looked at, and no more: a measure that did not run has no member."""
    facts: dict[str, Any] = {}
    if observation.sharpness is not None:
        facts["sharpness"] = observation.sharpness
    if (placing := observation.placing) is not None:
        facts |= {"face_area_share": placing.area, "face_x": placing.x, "face_y": placing.y}
    looks = [frame.gaze for frame in observation.frames if frame.gaze is not None]
    if looks:
        facts["on_screen_share"] = round(sum(look.on_screen for look in looks) / len(looks), 4)
        for turn in ("yaw", "pitch", "roll"):  # degrees, median
            facts[f"head_{turn}"] = round(median(getattr(look, turn) for look in looks), 1)
    if observation.blinks is not None and observation.blinks.seconds:
        facts["blinks_per_minute"] = round(observation.blinks.count * 60 / observation.blinks.seconds, 1)
    if observation.smiles is not None:
        facts["smiles"] = observation.smiles
    return facts
