"""Steps of a procedure (操作步骤): which of them an account names, in which order, and whether a safety step is missing.

A step is named by one of its keywords, or by a clause that is as near to it as only its own wording is. Order is the
longest part of what was named that runs as the procedure does (longest increasing subsequence). The weights are set by
hand, like the scorer's others: naming a third of the steps in order neither helps nor hurts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from duilian.serving.contracts import Language, Procedure, ProcedureFound, ProcedureStep, Sentence, StepSaid
from duilian.serving.scoring.similarity import Calibrated
from duilian.serving.scoring.text import clauses, keyword_hits

NEAR = (
    6.5  # z-value from which a clause says what a step says; one about the same matter comes to five or six
)
COVERED = 1.2  # levels between none and all of the steps in their order
ORDER = 0.5  # of what the steps named are worth, where they are named in their order
NEUTRAL = 0.35  # of all steps in order
SKIPPED = 0.35  # levels for a safety step that is not named
MOST_SKIPPED = 2
_DENIED: dict[Language, re.Pattern[str]] = {  # right before the keyword: the step was left out
    "zh": re.compile(r"(?:没有?|不|别|未|来不及|省了)[去先再要用必]{0,2}$"),
    "en": re.compile(r"(?:\bnot|n't|\bnever|\bwithout)(?: \w+){0,2} $", re.IGNORECASE),
}
Place = Callable[[list[str]], NDArray[np.float32]]  # texts → centred vectors


def named(
    procedure: Procedure, own: Sequence[Sentence], language: Language, calibrated: Calibrated, place: Place
) -> ProcedureFound:
    """own: the person's own sentences."""
    parts = [part for sentence in own for part in _clauses(sentence, language)]
    texts = [text for text, _ in parts]
    steps = procedure.steps
    strength = calibrated.strength(place(texts), place([step.text for step in steps])) if parts else None
    said = [_by_keyword(step, parts, language) for step in steps]
    taken = {one.offset for one in said}
    if strength is not None:
        said = [
            one if one.quote else _by_meaning(one.key, parts, strength[:, n], taken)
            for n, one in enumerate(said)
        ]
    found = [one.at for one in said if one.at is not None]
    coverage, order = len(found) / len(steps), _in_order(found)
    skipped = [step.key for step, one in zip(steps, said, strict=True) if step.safety and one.offset is None]
    worth = coverage * (1 - ORDER + ORDER * order)
    effect = COVERED * (worth - NEUTRAL) - SKIPPED * min(MOST_SKIPPED, len(skipped))
    return ProcedureFound(
        competency=procedure.competency, coverage=round(coverage, 4), order=round(order, 4), steps=said,
        skipped_safety=skipped, effect=round(effect, 4),
    )  # fmt: skip


def _clauses(sentence: Sentence, language: Language) -> list[tuple[str, int]]:
    """With their offsets in the answer."""
    found, start = list[tuple[str, int]](), 0
    for clause in clauses(sentence.text, language) or [sentence.text]:
        start = sentence.text.index(clause, start)
        found.append((clause, sentence.offset + start))
        start += len(clause)
    return found


def _by_keyword(step: ProcedureStep, parts: list[tuple[str, int]], language: Language) -> StepSaid:
    """The first clause with one of its keywords, unless it says that the step was left out."""
    for text, offset in parts:
        found = keyword_hits(text, step.keywords, language)
        hits = [at for _, at in found if not _DENIED[language].search(text[:at])]
        if hits:
            return StepSaid(key=step.key, quote=text, offset=offset, at=offset + min(hits))
    return StepSaid(key=step.key)


def _by_meaning(
    key: str, parts: list[tuple[str, int]], near: NDArray[np.float64], taken: set[int | None]
) -> StepSaid:
    """The nearest clause, if it is near enough and does not name another step."""
    text, offset = parts[int(near.argmax())]
    if near.max() < NEAR or offset in taken:
        return StepSaid(key=key)
    return StepSaid(key=key, quote=text, offset=offset, at=offset)


def _in_order(places: Sequence[int]) -> float:
    """Share of the steps named that run as the procedure does: 1 for one step or none."""
    tails = list[int]()
    for place in places:
        at = bisect_right(tails, place)
        tails[at : at + 1] = [place]
    return len(tails) / len(places) if places else 1.0
