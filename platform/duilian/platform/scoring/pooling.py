"""From judgements of single answers to a score per competency, and from those to the total.

A competency's level is the mean of its answers' posterior means, weighted by how much each had to say; the error
carries each answer's spread, the disagreement between answers, and what a cold start cannot know. The competency's cut
points, where the published rubric sets any, then say what that mean is worth in levels. Levels 1–5 map to scores 0–10
linearly: score = (level − 1) · 2.5. An answer without evidence takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, Literal, NamedTuple

import msgspec

from duilian.customization.cuts import placed, stretch
from duilian.customization.schemas import Competency, Cuts, words
from duilian.platform.scoring import refusals
from duilian.platform.scoring.evidence import evidence
from duilian.serving.contracts import Judgement, Opinion, ScoreResponse, Transcript
from duilian.serving.scoring.levels import mean_and_spread

COLD_START_ERROR = (
    0.45  # levels: what hand-set weights may be off by, before any label (assumed, not measured)
)
POINTS_PER_LEVEL = 2.5
LEAST_SHARE = 50  # percent of the weights that must be scored for a total
MOST_EVIDENCE = 6
Outcome = Literal["scored", "no_evidence", "cannot_be_scored"]


class ReadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as the pool sees it: judged, or refused with a reason."""

    key: str
    competencies: list[str]
    transcript: Transcript | None
    judged: ScoreResponse | None
    refusal: dict[str, Any] | None


class CompetencyScore(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """level 1–5; score and standard_error on 0–10. All three are None unless the outcome is "scored".

    why: of each answer that a learned model judged, its own account (serving.contracts.Why) beside the answer's key.
    cuts: the rubric's borders between levels, there only where it sets any. opinions: of each answer that a language
    model was asked about, what it said and what that did; there only where it was asked.
    """

    key: str
    name: dict[str, str]
    weight: int
    outcome: Outcome
    level: int | None
    score: float | None
    standard_error: float | None
    provisional: bool
    anchor: dict[str, str] | None
    evidence: list[dict[str, Any]]
    missing: list[str]
    advice: dict[str, str]
    reasons: list[dict[str, Any]]
    why: list[dict[str, Any]]
    answers_used: int
    answers_asked: int
    cuts: Cuts | None = None
    opinions: list[dict[str, Any]] = []


class Measure(NamedTuple):
    """level 1–5; score and standard_error on 0–10."""

    level: int
    score: float
    standard_error: float


def measure(competency: Competency, judgements: list[Judgement]) -> Measure:
    """Of at least one judgement with the outcome "scored": the numbers of a competency, without its words."""
    mean, error = _mean_and_error(judgements)
    error *= stretch(mean, competency.cuts)
    mean = placed(mean, competency.cuts)
    return Measure(
        level=min(5, max(1, round(mean))),
        score=round((mean - 1) * POINTS_PER_LEVEL, 1),
        standard_error=round(error * POINTS_PER_LEVEL, 1),
    )


def pool(competency: Competency, answers: list[ReadAnswer], locale: str) -> CompetencyScore:
    asked = [a for a in answers if competency.key in a.competencies]
    judged = [(a, j) for a in asked for j in _judgements(a, competency.key)]
    scored = [(a, j) for a, j in judged if j.outcome == "scored"]
    if not scored:
        return _unscored(competency, asked, judged, locale)
    level, score, error = measure(competency, [j for _, j in scored])
    return CompetencyScore(
        **_common(competency, asked),
        outcome="scored",
        missing=[words(competency.levels[level].anchor, locale)] if level < 5 else [],
        level=level,
        score=score,
        standard_error=error,
        anchor=competency.levels[level - 1].anchor,
        evidence=_evidence(scored),
        reasons=[a.refusal for a in asked if a.refusal],
        why=[{"answer": a.key, **msgspec.to_builtins(j.why)} for a, j in scored if j.why],
        answers_used=len(scored),
        opinions=[_opinion(a.key, j, j.opinion) for a, j in scored if j.opinion],
    )


def _opinion(answer: str, judgement: Judgement, said: Opinion) -> dict[str, Any]:
    """before, after: mean levels without it and with it, the same unless it was used. Its own sentence stays behind."""
    before, after = (
        round(mean_and_spread(posterior)[0], 2)
        for posterior in (said.before or judgement.posterior, judgement.posterior)
    )
    return {
        "answer": answer, "outcome": said.outcome, "code": said.code, "level": said.level, "spread": said.spread,
        "labels": said.labels, "before": before, "after": after,
        "quotes": [{"quote": one.text, "offset": one.offset} for one in said.quotes],
    }  # fmt: skip


def _judgements(answer: ReadAnswer, key: str) -> list[Judgement]:
    return (
        [j for j in answer.judged.judgements if j.competency == key]
        if answer.judged and not answer.refusal
        else []
    )


def _mean_and_error(judgements: list[Judgement]) -> tuple[float, float]:
    """In levels. Errors: sampling of each answer, spread between answers, cold start."""
    weights = [max(0.1, j.weight) for j in judgements]
    means = [sum((i + 1) * p for i, p in enumerate(j.posterior)) for j in judgements]
    variances = [
        sum(p * (i + 1 - m) ** 2 for i, p in enumerate(j.posterior))
        for j, m in zip(judgements, means, strict=True)
    ]
    total = sum(weights)
    mean = sum(w * m for w, m in zip(weights, means, strict=True)) / total
    sampling = sum((w / total) ** 2 * v for w, v in zip(weights, variances, strict=True))
    between = sum(w * (m - mean) ** 2 for w, m in zip(weights, means, strict=True)) / total / len(means)
    return mean, sqrt(sampling + between + COLD_START_ERROR**2)


def _unscored(
    competency: Competency, asked: list[ReadAnswer], judged: list[tuple[ReadAnswer, Judgement]], locale: str
) -> CompetencyScore:
    """No evidence where at least one answer was read; else it cannot be scored, for the answers' reasons."""
    outcome: Outcome = "no_evidence" if judged else "cannot_be_scored"
    return CompetencyScore(
        **_common(competency, asked),
        missing=[words(competency.levels[2].anchor, locale)],
        outcome=outcome,
        level=None,
        score=None,
        standard_error=None,
        anchor=None,
        evidence=[],
        reasons=[a.refusal for a in asked if a.refusal],
        why=[],
        answers_used=0,
    )


def _common(competency: Competency, asked: list[ReadAnswer]) -> dict[str, Any]:
    return {
        "key": competency.key,
        "name": competency.name,
        "weight": competency.weight,
        "provisional": True,
        "advice": competency.advice,
        "answers_asked": len(asked),
        "cuts": competency.cuts,
    }


def _evidence(scored: list[tuple[ReadAnswer, Judgement]]) -> list[dict[str, Any]]:
    found = [evidence(a.key, quote, a.transcript) for a, j in scored if a.transcript for quote in j.quotes]
    strongest = sorted(found, key=lambda e: (-e["strength"], e["answer"], e["offset"]))[:MOST_EVIDENCE]
    return [e for e in found if e in strongest]


def total(scores: list[CompetencyScore]) -> dict[str, Any]:
    """The weighted total over what could be scored, or the reason why there is none."""
    scored = [
        (s.weight, s.score, s.standard_error)
        for s in scores
        if s.score is not None and s.standard_error is not None
    ]
    share = sum(weight for weight, _, _ in scored)
    if share < LEAST_SHARE:
        reason = refusals.stored(refusals.TooFewScored(share=share))
        return _total("cannot_be_scored", None, None, share, [reason])
    score, error = weighted(scored)
    return _total("scored", score, error, share, [])


def weighted(scored: Sequence[tuple[int, float, float]]) -> tuple[float, float]:
    """The total and its standard error, 0–10, of (weight, score, standard error) of what could be scored."""
    share = sum(weight for weight, _, _ in scored)
    score = sum(weight * score for weight, score, _ in scored) / share
    # What a cold start is off by is common to all competencies and does not average out.
    common = (COLD_START_ERROR * POINTS_PER_LEVEL) ** 2
    own = [(weight, max(0.0, error**2 - common)) for weight, _, error in scored]
    error = sqrt(sum((weight / share) ** 2 * v for weight, v in own) + common)
    return round(score, 1), round(error, 1)


def _total(
    outcome: Outcome, score: float | None, error: float | None, share: int, reasons: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "score": score,
        "standard_error": error,
        "provisional": True,
        "weight_scored": share,
        "reasons": reasons,
    }
