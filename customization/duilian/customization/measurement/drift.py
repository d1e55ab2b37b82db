"""Whether the ruler moved (漂移): the population stability index, and an anchor set scored again."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from duilian.customization.measurement.agreement import adjacent, difference, exact, qwk
from duilian.customization.measurement.bootstrap import paired_difference
from duilian.customization.measurement.results import Estimate, Floats, floats, pairs, refused

Band = Literal["stable", "watch", "shifted", "unknown"]
WATCH, SHIFTED = 0.10, 0.25  # Siddiqi 2006: below 0.10 stable, above 0.25 shifted
LEAST = 100  # scores on each side
LEAST_ANCHORS = 20
BINS = 5


class Psi(msgspec.Struct, frozen=True, kw_only=True):
    """value: the index. chance: what sampling alone exceeds once in twenty times at these n. band: of the value.

    before, after: shares in each bin; edges: of the bins, one more than there are bins, the outer ones open.
    """

    value: Estimate
    chance: float | None
    band: Band
    edges: list[float]
    before: list[float]
    after: list[float]


def psi(before: ArrayLike, after: ArrayLike, edges: ArrayLike | None = None, least: int = LEAST) -> Psi:
    """Sum over bins of (after - before) ln(after / before) of the shares. before: (n,), after: (m,).

    edges: inner edges; without them the quintiles of `before`. Half a case is added to each bin, so that an empty one
    is no infinity. Without any shift, psi / (1/n + 1/m) is chi-square with (bins - 1) degrees of freedom (Yurdakul 2018),
    whence `chance`: a value below it is no finding, whatever its band. Refused below `least` on either side.
    """
    first, second = _known(before), _known(after)
    inner = (
        np.unique(np.quantile(first, np.arange(1, BINS) / BINS))
        if edges is None and first.size
        else floats([] if edges is None else edges)
    )
    n = min(first.size, second.size)
    if n < least or inner.size < 1:
        reason = "few" if n < least else "no_variance"
        return Psi(
            value=refused(reason, n, least), chance=None, band="unknown", edges=[], before=[], after=[]
        )
    a, b = _shares(first, inner), _shares(second, inner)
    value = float(((b - a) * np.log(b / a)).sum())
    noise = 1 / first.size + 1 / second.size
    return Psi(
        value=Estimate(value=value, n=n, least=least),
        chance=float(stats.chi2.ppf(0.95, len(a) - 1) * noise),
        band=band(value),
        edges=[float(edge) for edge in inner],
        before=a.tolist(),
        after=b.tolist(),
    )


def band(value: float) -> Band:
    return "stable" if value < WATCH else "watch" if value <= SHIFTED else "shifted"


def _known(values: ArrayLike) -> Floats:
    found = floats(values)
    return found[np.isfinite(found)]


def _shares(values: Floats, inner: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(inner, values, side="right"), minlength=len(inner) + 1) + 0.5
    return counts / counts.sum()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an anchor set must hold. fall: of QWK against the adjudicated marks, beyond which the lower end of the
    interval may not reach; shift: |SMD| between the two scorings; moved: share of anchors that may change by more
    than a step of the scale."""

    fall: float = 0.05
    shift: float = 0.15
    moved: float = 0.05
    least: int = LEAST_ANCHORS


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """state: "holds", "breach" (the release is blocked) or "unmeasured" (too few anchors, or some have no score).

    breaches: "agreement", "shift", "moved", "unscored". qwk_before, qwk_after: against the adjudicated marks.
    """

    state: Literal["holds", "breach", "unmeasured"]
    breaches: list[str]
    n: int
    least: int
    qwk_before: float | None = None
    qwk_after: float | None = None
    change: Estimate | None = None
    shift: float | None = None
    same: float | None = None
    moved: float | None = None

    @property
    def blocked(self) -> bool:
        """A release goes out on "holds" only; without a measurement nothing is known to hold."""
        return self.state != "holds"


HOLDS = Limits()


def compare_anchors(
    truth: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    points: ArrayLike,
    limits: Limits = HOLDS,
) -> Verdict:
    """The anchors' adjudicated marks, scored by what is in force and by what shall be. All: shape (n,); points: scale.

    Nothing is compared below `limits.least`. An anchor that the new scorer cannot score (nan) where the old one could
    is a breach of its own. Agreement is breached where the fall itself is beyond the limit and the interval of the
    paired difference does not reach above nought, so that no accident of few anchors blocks a release by itself.
    """
    lost = int((np.isfinite(floats(before)) & ~np.isfinite(floats(after))).sum())
    old, new = pairs(before, after)
    both = np.isfinite(floats(before)) & np.isfinite(floats(after))
    marks = floats(truth)[both]
    n = int(old.size)
    if n < limits.least:
        return Verdict(
            state="breach" if lost else "unmeasured",
            breaches=["unscored"] if lost else [],
            n=n,
            least=limits.least,
        )
    return _judged(marks, old, new, floats(points), limits, lost)


def _judged(marks: Floats, old: Floats, new: Floats, points: Floats, limits: Limits, lost: int) -> Verdict:
    def kappa(truth: Floats, scores: Floats) -> float:
        return qwk(truth, scores, points)

    step = float(np.diff(np.unique(points)).min())
    change = paired_difference(kappa, marks, old, new, least=limits.least)
    shift, moved = difference(old, new), 1 - adjacent(old, new, step)
    found = ["unscored"] if lost else []
    if change.value is not None and change.value < -limits.fall and (change.high is None or change.high < 0):
        found.append("agreement")
    if abs(shift) > limits.shift:
        found.append("shift")
    if moved > limits.moved:
        found.append("moved")
    return Verdict(
        state="breach" if found else "holds",
        breaches=found,
        n=len(marks),
        least=limits.least,
        qwk_before=_number(kappa(marks, old)),
        qwk_after=_number(kappa(marks, new)),
        change=change,
        shift=_number(shift),
        same=exact(old, new),
        moved=moved,
    )


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
