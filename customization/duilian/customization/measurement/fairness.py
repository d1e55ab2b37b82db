"""Whether groups fare alike (公平性): impact ratios, differences of means, and how both are corrected for many tests.

Whether single questions work alike is in `dif.py`. Groups are self-declared; nothing is said of fewer than `LEAST`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from duilian.customization.measurement.agreement import difference, smd
from duilian.customization.measurement.bootstrap import SEED, interval
from duilian.customization.measurement.results import Estimate, Floats, estimate, floats, refused

LEAST = 30  # people of a group
FOUR_FIFTHS = 0.8
LARGEST_SMD = 0.10  # between machine and human within a group: Williamson, Xi & Breyer 2012
ALPHA = 0.05


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """One group beside the reference. rate: share of it that passed. ratio: its rate over the reference's.

    p: Fisher's exact test of the two rates, two-sided; holm: the same corrected for all groups compared. difference:
    standardised, group minus reference. adverse: the ratio is below four fifths and the corrected test finds it.
    """

    group: str
    n: int
    rate: float | None
    ratio: Estimate
    p: float | None
    holm: float | None
    difference: Estimate
    adverse: bool
    is_reference: bool


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """rows: largest group first. reference: the group with the highest rate among those large enough; "" where none is.

    left_out: people of groups too small to be named.
    """

    rows: list[GroupRow]
    reference: str
    least: int
    left_out: int


def impact(groups: Sequence[str], passed: Sequence[bool], scores: ArrayLike, least: int = LEAST) -> Impact:
    """One entry a person, of people who declared a group. Rule of four fifths: Uniform Guidelines 1978, 29 CFR 1607.4 D.

    A group below `least` is neither named nor compared; where fewer than two are large enough there is no comparison.
    """
    labels, outcome, marks = np.asarray(groups, dtype=str), np.asarray(passed, dtype=bool), floats(scores)
    names, counts = np.unique(labels, return_counts=True)
    large = [str(name) for name, n in zip(names, counts, strict=True) if n >= least]
    left_out = int(counts[counts < least].sum())
    if len(large) < 2:
        return Impact(rows=[], reference="", least=least, left_out=left_out)
    rates = {name: float(outcome[labels == name].mean()) for name in large}
    reference = max(large, key=lambda name: (rates[name], (labels == name).sum()))
    rows = [_row(name, reference, labels, outcome, marks, least) for name in large]
    adjusted = iter(holm([row.p for row in rows if row.p is not None]))
    rows = [_corrected(row, None if row.p is None else next(adjusted)) for row in rows]
    rows.sort(key=lambda row: -row.n)
    return Impact(rows=rows, reference=reference, least=least, left_out=left_out)


def _row(
    name: str, reference: str, labels: np.ndarray, outcome: np.ndarray, marks: Floats, least: int
) -> GroupRow:
    own, other = outcome[labels == name], outcome[labels == reference]
    n, same = len(own), name == reference
    table = [[int(own.sum()), int((~own).sum())], [int(other.sum()), int((~other).sum())]]
    p = None if same else _fisher(table)
    return GroupRow(
        group=name,
        n=n,
        rate=float(own.mean()),
        ratio=_ratio(table, n, least),
        p=p,
        holm=None,
        difference=refused("not_estimable", n, least)
        if same
        else gap(marks[labels == reference], marks[labels == name], least),
        adverse=False,
        is_reference=same,
    )


def _corrected(row: GroupRow, adjusted: float | None) -> GroupRow:
    found = adjusted is not None and adjusted < ALPHA
    adverse = found and row.ratio.value is not None and row.ratio.value < FOUR_FIFTHS
    return msgspec.structs.replace(row, holm=adjusted, adverse=adverse)


def _fisher(table: list[list[int]]) -> float:
    """Two-sided."""
    result: Any = stats.fisher_exact(table)  # Any: scipy's result type is not one that a checker can read
    return float(result.pvalue)


def _ratio(table: list[list[int]], n: int, least: int) -> Estimate:
    """With Katz's logarithmic interval (1978); none where either group has nobody who passed."""
    (a, b), (c, d) = table
    if not c:
        return refused("no_variance", n, least)
    value = (a / (a + b)) / (c / (c + d))
    if not a:
        return Estimate(value=0.0, n=n, least=least)
    wide = 1.959964 * sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    return estimate(value, exp(log(value) - wide), exp(log(value) + wide), n, least)


def gap(reference: ArrayLike, group: ArrayLike, least: int = LEAST, seed: int = SEED) -> Estimate:
    """Standardised difference of means, group minus reference, with a percentile interval; both resampled."""
    a, b = (row[np.isfinite(row)] for row in (floats(reference), floats(group)))
    n = int(min(a.size, b.size))
    if n < least:
        return refused("few", n, least)
    random = np.random.default_rng(seed)
    drawn = [difference(random.choice(a, a.size), random.choice(b, b.size)) for _ in range(500)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return estimate(difference(a, b), float(low), float(high), int(b.size), least)


class MachineGap(msgspec.Struct, frozen=True, kw_only=True):
    """By how much the machine differs from the humans within one group; `over` where that is more than allowed."""

    group: str
    smd: Estimate
    over: bool


def machine_gaps(
    groups: Sequence[str], people: Sequence[str], human: ArrayLike, machine: ArrayLike, least: int = LEAST
) -> list[MachineGap]:
    """Per group, machine minus human, as `agreement.smd`. One entry a marked answer; intervals resample people, and groups of
    fewer than `least` people are refused."""
    labels, persons = np.asarray(groups, dtype=str), np.asarray(people, dtype=str)
    first, second = floats(human), floats(machine)
    known = np.isfinite(first) & np.isfinite(second)
    found: list[MachineGap] = []
    for name in np.unique(labels):
        mine = known & (labels == name)
        n = len(set(persons[mine].tolist()))
        apart = (
            interval(smd, first[mine], second[mine], clusters=persons[mine], least=least, replicates=500)
            if n >= least
            else refused("few", n, least)
        )
        over = apart.value is not None and abs(apart.value) > LARGEST_SMD
        found.append(MachineGap(group=str(name), smd=apart, over=over))
    return found


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values in the order given (Holm 1979): strong control of the family-wise error."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted.tolist()
