"""Agreement, intervals and raters: against published tables, sklearn and scipy."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from duilian.customization.measurement import agreement, bootstrap, severity

# Shrout & Fleiss 1979, table 2: six targets, four judges. Their table 4 gives ICC(2,1) .29 and ICC(2,4) .62.
TARGETS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
LEVELS = np.array([1, 2, 3, 4, 5])


def marks(n: int, seed: int = 1, noise: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    true = random.integers(1, 6, n)
    return true, np.clip(np.rint(true + random.normal(0, noise, n)), 1, 5)


def test_kappa_is_sklearns_on_the_whole_scale() -> None:
    for seed in range(5):
        a, b = marks(60, seed)
        expected = cohen_kappa_score(a, b.astype(int), labels=LEVELS, weights="quadratic")
        assert agreement.qwk(a, b, LEVELS) == pytest.approx(expected)


def test_a_level_that_nobody_used_still_lies_between_its_neighbours() -> None:
    a, b = [1, 1, 2, 5, 5], [1, 2, 2, 5, 2]
    expected = cohen_kappa_score(a, b, labels=LEVELS, weights="quadratic")
    assert agreement.qwk(a, b) == pytest.approx(expected)


def test_marks_between_the_points_move_to_the_nearest() -> None:
    assert agreement.on_scale([0.2, 3.4, 3.5, 9.0, nan], LEVELS)[:4].tolist() == [1, 3, 4, 5]
    assert agreement.qwk([1, 3, 5, 2], [1.4, 2.6, 5.4, 1.6], LEVELS) == 1.0
    halves = np.arange(0, 3.5, 0.5)
    assert agreement.on_scale([0.7, 2.8], halves).tolist() == [0.5, 3.0]


def test_agreement_without_variance_is_not_called_perfect() -> None:
    assert isnan(agreement.qwk([3, 3, 3], [3, 3, 3]))
    assert agreement.qwk([3, 3, 3], [4, 4, 4]) == 0.0
    assert isnan(agreement.qwk([], []))
    found = bootstrap.interval(agreement.qwk, [3, 3, 3], [3, 3, 3])
    assert (found.value, found.reason) == (None, "no_variance")


def test_shares_and_mean_difference() -> None:
    human, machine = [1, 2, 3, 4, 5, nan], [1, 3, 3, 2, 5, 4]
    assert agreement.exact(human, machine) == pytest.approx(0.6)
    assert agreement.adjacent(human, machine) == pytest.approx(0.8)
    assert agreement.smd([1, 2, 3, 4], [2, 3, 4, 5]) == pytest.approx(1 / np.std([1, 2, 3, 4], ddof=1))
    assert agreement.pearson([1, 2, 3, 5], [2, 2, 4, 5]) == pytest.approx(
        stats.pearsonr([1, 2, 3, 5], [2, 2, 4, 5]).statistic
    )


def test_intraclass_correlations_of_shrout_and_fleiss() -> None:
    one, mean = agreement.icc_2_1(TARGETS), agreement.icc_2_k(TARGETS)
    assert (round(one.value, 2), round(mean.value, 2)) == (0.29, 0.62)
    # Their interval as the R package psych gives it for the same table.
    assert (round(one.low, 3), round(one.high, 2)) == (0.019, 0.76)
    assert (round(mean.low, 2), round(mean.high, 2)) == (0.07, 0.93)
    assert (one.n, one.k) == (6, 4)
    assert isnan(agreement.icc_2_1([[3, 3], [3, 3]]).value)


def test_intervals_are_those_of_scipy_and_the_same_each_time() -> None:
    a, b = marks(150, noise=1.0)
    for bca, method in ((False, "percentile"), (True, "BCa")):
        ours = bootstrap.interval(agreement.pearson, a, b, bca=bca, replicates=2000)
        theirs = stats.bootstrap(
            (a, b), agreement.pearson, paired=True, vectorized=False, n_resamples=2000, method=method, rng=3
        ).confidence_interval
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012)
    assert bootstrap.interval(agreement.qwk, a, b) == bootstrap.interval(agreement.qwk, a, b)
    assert bootstrap.interval(agreement.qwk, a[:5], b[:5], least=30).reason == "few"


def test_answers_of_one_person_widen_the_interval() -> None:
    random = np.random.default_rng(4)
    person = np.repeat(np.arange(30), 10)
    mark = np.repeat(random.normal(0, 1, 30), 10) + random.normal(0, 0.1, 300)

    def mean(values: np.ndarray) -> float:
        return float(values.mean())

    alone = bootstrap.interval(mean, mark)
    together = bootstrap.interval(mean, mark, clusters=person)
    assert alone.low is not None and alone.high is not None and together.low is not None and together.high
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_a_better_scorer_is_told_from_a_worse_one_and_from_itself() -> None:
    truth, good = marks(200, noise=0.5)
    _, poor = marks(200, noise=1.6)
    better = bootstrap.paired_difference(agreement.qwk, truth, poor, good)
    assert better.low is not None and better.low > 0
    same = bootstrap.paired_difference(agreement.qwk, truth, good, good)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_severity_finds_the_strict_the_lenient_and_those_it_cannot_compare() -> None:
    random = np.random.default_rng(7)
    true = {"strict": 0.8, "even": 0.0, "lenient": -0.8}
    rows: list[tuple[str, str, float]] = []
    for answer in range(60):
        quality = random.normal(3, 1)
        rows += [(f"a{answer}", name, quality - how + random.normal(0, 0.4)) for name, how in true.items()]
    rows += [(f"b{n}", name, 3.0 + n % 2) for n in range(12) for name in ("island", "islet")]
    rows += [(f"a{n}", "rare", 3.0) for n in range(3)] + [("alone", "lonely", 2.0)]
    answers, raters, values = zip(*rows, strict=True)
    found = severity.severities(answers, raters, values)
    by_name = {one.rater: one for one in found.raters}
    assert [one.rater for one in found.raters][:3] == ["strict", "even", "lenient"]
    for name, how in true.items():
        measured = by_name[name].severity
        assert measured.low is not None and measured.high is not None and measured.low < how < measured.high
        assert by_name[name].fit == pytest.approx(1, abs=0.35)
    assert found.error == pytest.approx(0.4, abs=0.06)
    assert by_name["island"].severity.reason == "not_linked"
    assert by_name["rare"].severity.reason == by_name["lonely"].severity.reason == "few"


def test_few_ratings_are_drawn_towards_the_middle() -> None:
    random = np.random.default_rng(2)
    rows = [(f"a{n}", name, random.normal(3, 1)) for n in range(10) for name in ("one", "two", "three")]
    answers, raters, values = zip(*rows, strict=True)
    found = severity.severities(answers, raters, values)
    raw = {
        name: np.mean(values) - np.mean([v for _, r, v in rows if r == name])
        for name in ("one", "two", "three")
    }
    for one in found.raters:
        assert one.severity.value is not None and abs(one.severity.value) <= abs(raw[one.rater]) + 1e-9
