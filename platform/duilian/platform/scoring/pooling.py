"""From judgements of single answers to a score per competency, and from those to the total.

A competency's level is the mean of its answers' posterior means, weighted by how much each had to say; the error
carries each answer's spread, the disagreement between answers, and what a cold start cannot know, less as labels of the
questions speak instead of it. The competency's cut points, where the published rubric sets any, then say what that mean is worth in levels. Levels 1–5 map to scores 0–10
linearly: score = (level − 1) · 2.5. An answer without evidence takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, Literal, NamedTuple

import msgspec

from duilian.customization.cuts import placed, stretch, stretched
from duilian.customization.schemas import Competency, Cuts, words
from duilian.platform.scoring import refusals
from duilian.platform.scoring.evidence import evidence
from duilian.serving.contracts import Judgement, Opinion, ScoreResponse, Transcript
from duilian.serving.scoring.learned.model import STEADY
from duilian.serving.scoring.levels import mean_and_spread

COLD_START_ERROR = (
    0.45  # levels: what hand-set weights may be off by, before any label (assumed, not measured)
)
POINTS_PER_LEVEL = 2.5
LABELLED = (
    0.5  # share of the say from which labels of the questions carry a score, which is provisional no longer
)
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
    labelled: the say of labels of the very questions, 0–1, left out where it is nought; provisional below `LABELLED`.
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
    labelled: float = 0.0
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
    judgements = [j for _, j in scored]
    level, score, error = measure(competency, judgements)
    share = labelled(judgements)
    return CompetencyScore(
        **_common(competency, asked, provisional=share < LABELLED),
        outcome="scored",
        labelled=round(share, 3),
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


def labelled(judgements: Sequence[Judgement]) -> float:
    """The say that labels of the very questions have in a level, 0–1: the learned model's share in each answer's judgement,
    weighted as the answers are, as far as it is the question's own labels that speak in it and not those of others."""
    weights = [_weight(j) for j in judgements]
    say = [j.why.trust * j.why.labels / (j.why.labels + STEADY) if j.why else 0.0 for j in judgements]
    return sum(w * s for w, s in zip(weights, say, strict=True)) / sum(weights)


def _weight(judgement: Judgement) -> float:
    return max(0.1, judgement.weight)


def _judgements(answer: ReadAnswer, key: str) -> list[Judgement]:
    return (
        [j for j in answer.judged.judgements if j.competency == key]
        if answer.judged and not answer.refusal
        else []
    )


def _mean_and_error(judgements: list[Judgement]) -> tuple[float, float]:
    """In levels. Errors: sampling of each answer, spread between answers, cold start as far as it still speaks."""
    weights = [_weight(j) for j in judgements]
    means = [sum((i + 1) * p for i, p in enumerate(j.posterior)) for j in judgements]
    variances = [
        sum(p * (i + 1 - m) ** 2 for i, p in enumerate(j.posterior))
        for j, m in zip(judgements, means, strict=True)
    ]
    total = sum(weights)
    mean = sum(w * m for w, m in zip(weights, means, strict=True)) / total
    sampling = sum((w / total) ** 2 * v for w, v in zip(weights, variances, strict=True))
    between = sum(w * (m - mean) ** 2 for w, m in zip(weights, means, strict=True)) / total / len(means)
    return mean, sqrt(sampling + between + _cold(labelled(judgements)) ** 2)


def _cold(share: float) -> float:
    """Levels; share: of labels."""
    return COLD_START_ERROR * (1 - share)


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


def _common(competency: Competency, asked: list[ReadAnswer], *, provisional: bool = True) -> dict[str, Any]:
    return {
        "key": competency.key,
        "name": competency.name,
        "weight": competency.weight,
        "provisional": provisional,
        "advice": competency.advice,
        "answers_asked": len(asked),
        "cuts": competency.cuts,
    }


def _evidence(scored: list[tuple[ReadAnswer, Judgement]]) -> list[dict[str, Any]]:
    found = [evidence(a.key, quote, a.transcript) for a, j in scored if a.transcript for quote in j.quotes]
    strongest = sorted(found, key=lambda e: (-e["strength"], e["answer"], e["offset"]))[:MOST_EVIDENCE]
    return [e for e in found if e in strongest]


def total(scores: list[CompetencyScore]) -> dict[str, Any]:
    """The weighted total over what could be scored, or the reason why there is none; provisional where any part of it is."""
    scored = [s for s in scores if s.score is not None]
    share = sum(s.weight for s in scored)
    if share < LEAST_SHARE:
        reason = refusals.stored(refusals.TooFewScored(share=share))
        return _total("cannot_be_scored", None, None, share, [reason])
    score = weighted([(s.weight, s.score) for s in scored if s.score is not None])
    return _total("scored", score, _error(scored), share, [], provisional=any(s.provisional for s in scored))


def weighted(scored: Sequence[tuple[int, float]]) -> float:
    """The total, 0–10, of (weight, score) of what could be scored."""
    return round(sum(weight * score for weight, score in scored) / sum(weight for weight, _ in scored), 1)


def _error(scored: list[CompetencyScore]) -> float:
    """Standard error of the total, 0–10. What a cold start is off by is common to all competencies and does not average out."""
    share = sum(s.weight for s in scored)
    common = [(s.weight / share, _cold(s.labelled) * _stretched(s) * POINTS_PER_LEVEL) for s in scored]
    own = [
        max(0.0, (s.standard_error or 0.0) ** 2 - cold**2)
        for s, (_, cold) in zip(scored, common, strict=True)
    ]
    alone = sum(weight**2 * v for (weight, _), v in zip(common, own, strict=True))
    return round(sqrt(alone + sum(weight * cold for weight, cold in common) ** 2), 1)


def _stretched(scored: CompetencyScore) -> float:
    """By how much cut points have stretched the competency's error."""
    return stretched(1 + (scored.score or 0.0) / POINTS_PER_LEVEL, scored.cuts)


def _total(
    outcome: Outcome, score: float | None, error: float | None, share: int, reasons: list[dict[str, Any]],
    *, provisional: bool = True,
) -> dict[str, Any]:  # fmt: skip
    return {
        "outcome": outcome,
        "score": score,
        "standard_error": error,
        "provisional": provisional,
        "weight_scored": share,
        "reasons": reasons,
    }
