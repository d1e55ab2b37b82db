"""The checks between a proposed vocabulary and the recogniser; a failed one closes the way, as for models."""

from __future__ import annotations

from duilian.customization.measurement.drift import Verdict
from duilian.customization.training.gates import Gate, State, anchors_gate, said
from duilian.customization.vocabulary.evaluating import LEAST_RECORDINGS, Evaluation

WORSE = 0.01  # error rate: how much worse than without it the upper end of the interval may be


def all_gates(found: Evaluation, anchors: Verdict) -> list[Gate]:
    """anchors: heard with the words and scored by what is in force."""
    return [_not_worse(found), _insertions(found), anchors_gate(anchors)]


def _not_worse(found: Evaluation) -> Gate:
    difference, threshold = found.difference, f"≤ {WORSE:.2f}"
    params = {"n": found.corrected, "people": found.people, "least": LEAST_RECORDINGS}
    if difference.value is None or difference.high is None:
        return Gate(name="not_worse", state="warned", case="unmeasured", threshold=threshold, params=params)
    state: State = "passed" if difference.high <= WORSE else "failed"
    return Gate(
        name="not_worse", state=state, case=state, value=said(difference), threshold=threshold, params=params
    )


def _insertions(found: Evaluation) -> Gate:
    """One is too many: a word that nobody said would be scored as evidence."""
    params = {"n": found.silent, "inserted": found.insertions}
    if not found.silent:
        return Gate(name="insertions", state="warned", case="unmeasured", threshold="0", params=params)
    state: State = "failed" if found.insertions else "passed"
    return Gate(
        name="insertions", state=state, case=state, value=str(found.insertions), threshold="0", params=params
    )
