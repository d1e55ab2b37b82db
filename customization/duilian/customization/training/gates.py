"""The gates (上线检查) between a trained model and live answers: measured value, threshold, verdict, one sentence.

A failed gate closes the way for good: there is no click that opens it. A warning says that something could not be
measured; a person may go on with a reason that is kept. Thresholds: |SMD| after Williamson, Xi & Breyer 2012; impact
ratio after the rule of four fifths.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from duilian.customization.measurement.drift import Verdict
from duilian.customization.measurement.fairness import FOUR_FIFTHS
from duilian.customization.measurement.results import Estimate
from duilian.customization.measurement.selection import Selection
from duilian.customization.training.datasets import PROMOTE_LABELS, PROMOTE_PEOPLE
from duilian.customization.training.evaluating import Evaluation

State = Literal["passed", "warned", "failed"]
AGREES = 0.2  # QWK that the whole interval must lie above: less is slight agreement (Landis & Koch 1977)
WORSE = 0.05  # QWK: how much worse than what is in force the lower end of the interval may be
SMD_OVERALL, SMD_GROUP = 0.15, 0.10
MORE_REFUSED = 0.02  # share by which more answers may go without a score than now


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """The sentence is words/models `gate.{name}.{case}`, with `params`. value, threshold: numbers as text, "" for none."""

    name: str
    state: State
    case: str
    value: str = ""
    threshold: str = ""
    params: dict[str, Any] = {}


class GroupGap(msgspec.Struct, frozen=True, kw_only=True):
    """|SMD| of one group large enough to be named."""

    question: str
    group: str
    smd: Estimate


class GroupSelection(msgspec.Struct, frozen=True, kw_only=True):
    """Whom its marks would choose, of one group beside the one chosen most often."""

    question: str
    found: Selection


class GroupFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Empty where too few people have declared a group."""

    gaps: list[GroupGap] = []
    selections: list[GroupSelection] = []


def all_gates(
    found: Evaluation, labels: int, people: int, groups: GroupFigures, anchors: Verdict
) -> list[Gate]:
    return [
        _enough(labels, people),
        _learned(found.alone),
        _not_worse(found.difference),
        _overall(found.candidate.smd),
        _groups(groups.gaps),
        _impact(groups.selections),
        Gate(name="repeats", state="passed", case="passed") if found.repeats else Gate(name="repeats", state="failed", case="failed"),
        anchors_gate(anchors),
        _refusals(found),
    ]  # fmt: skip


def counted_again(gates: list[Gate], labels: int, people: int) -> list[Gate]:
    """Once a model had to forget people: whether enough is left; the rest stands as it was measured."""
    return [_enough(labels, people) if gate.name == "enough" else gate for gate in gates]


def verdict(gates: list[Gate]) -> str:
    """refused, warned or passed."""
    states = {gate.state for gate in gates}
    return "refused" if "failed" in states else "warned" if "warned" in states else "passed"


def _gate(name: str, passed: bool, value: str, threshold: str, **params: Any) -> Gate:
    state: State = "passed" if passed else "failed"
    return Gate(name=name, state=state, case=state, value=value, threshold=threshold, params=params)


def _enough(labels: int, people: int) -> Gate:
    passed = labels >= PROMOTE_LABELS and people >= PROMOTE_PEOPLE
    return _gate(
        "enough", passed, f"{labels} / {people}", f"≥ {PROMOTE_LABELS} / {PROMOTE_PEOPLE}",
        labels=labels, people=people, least=PROMOTE_LABELS, least_people=PROMOTE_PEOPLE,
    )  # fmt: skip


def _learned(own: Estimate) -> Gate:
    """Of the model alone: the rubric's strength is not its own. Above chance is not enough: of twenty models from labels drawn by lot one is."""
    return _gate("learned", own.low is not None and own.low > AGREES, said(own), f"> {AGREES:.2f}")


def _not_worse(difference: Estimate) -> Gate:
    if difference.value is None:
        return Gate(name="not_worse", state="warned", case="unmeasured", params={"n": difference.n})
    passed = difference.low is not None and difference.low >= -WORSE
    return _gate("not_worse", passed, said(difference), f"≥ −{WORSE:.2f}", n=difference.n)


def _overall(smd: Estimate) -> Gate:
    passed = smd.value is not None and abs(smd.value) <= SMD_OVERALL
    return _gate("overall", passed, said(smd), f"≤ {SMD_OVERALL:.2f}")


def _groups(gaps: list[GroupGap]) -> Gate:
    """Fewer than two comparable groups: not measured, and said so."""
    known = [gap for gap in gaps if gap.smd.value is not None]
    if not known:
        return Gate(name="groups", state="warned", case="unmeasured", threshold=f"≤ {SMD_GROUP:.2f}")
    worst = max(known, key=lambda gap: abs(gap.smd.value or 0.0))
    passed = abs(worst.smd.value or 0.0) <= SMD_GROUP
    return _gate("groups", passed, said(worst.smd), f"≤ {SMD_GROUP:.2f}", question=worst.question, group=worst.group, n=len(known))  # fmt: skip


def _impact(found: list[GroupSelection]) -> Gate:
    """Adverse: below four fifths, and the test says that this is no accident of few people. Below it without that, nobody
    knows: a person goes on with a reason. Labels that carry the difference do not excuse it; the sentence shows them."""
    known = [one for one in found if one.found.ratio.value is not None]
    threshold = f"≥ {FOUR_FIFTHS:.2f}"
    if not known:
        return Gate(name="impact", state="warned", case="unmeasured", threshold=threshold)
    worst = min(known, key=lambda one: (not one.found.adverse, one.found.ratio.value or 0.0))
    below = (worst.found.ratio.value or 0.0) < FOUR_FIFTHS
    state: State = "failed" if worst.found.adverse else "warned" if below else "passed"
    case = "unproven" if state == "warned" else state
    value = said(worst.found.ratio)
    return Gate(
        name="impact", state=state, case=case, value=value, threshold=threshold, params=_chosen(worst, len(known))
    )  # fmt: skip


def _chosen(one: GroupSelection, groups: int) -> dict[str, Any]:
    """Shares as whole per cent."""
    rates = {
        "rate": one.found.rate, "other_rate": one.found.reference_rate,
        "human_rate": one.found.human_rate, "human_other_rate": one.found.human_reference_rate,
    }  # fmt: skip
    named = {"question": one.question, "group": one.found.group, "other": one.found.reference, "n": groups}
    return named | {name: f"{rate:.0%}" for name, rate in rates.items()}


def anchors_gate(held: Verdict) -> Gate:
    """Marks that moved towards the settled ones are what training is for: a warning, not a failure."""
    params = {"n": held.n, "least": held.least, "moved": f"{held.moved or 0.0:.0%}"}
    value = "" if held.qwk_after is None else f"{held.qwk_after:.2f}"
    if held.state == "unmeasured":
        return Gate(name="anchors", state="warned", case="unmeasured", value=value, params=params)
    if held.state == "breach" and _nearer(held):
        return Gate(name="anchors", state="warned", case="nearer", value=value, params=params)
    state: State = "passed" if held.state == "holds" else "failed"
    return Gate(name="anchors", state=state, case=state, value=value, params=params)


def _nearer(held: Verdict) -> bool:
    """The marks moved, none was lost, and the whole interval of the change of agreement lies above nought."""
    better = held.change is not None and held.change.low is not None and held.change.low > 0
    return better and set(held.breaches) <= {"shift", "moved"}


def _refusals(found: Evaluation) -> Gate:
    passed = found.refused <= found.current_refused + MORE_REFUSED
    return _gate(
        "refusals", passed, f"{found.refused:.0%}", f"≤ {min(1.0, found.current_refused + MORE_REFUSED):.0%}"
    )


def said(estimate: Estimate) -> str:
    """0.78 (0.71 … 0.84); "" where there is none."""
    if estimate.value is None:
        return ""
    ends = (
        ""
        if estimate.low is None or estimate.high is None
        else f" ({estimate.low:.2f} … {estimate.high:.2f})"
    )
    return f"{estimate.value:.2f}{ends}".replace("-", "−")
