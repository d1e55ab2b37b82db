"""Items, drift, groups, review and validity: against statsmodels, scipy and worked examples."""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests

from duilian.customization.measurement import dif, drift, fairness, items, review, validity

LEVELS = np.array([1, 2, 3, 4, 5])
RANDOM = np.random.default_rng


def rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 1, 5)


def test_items_say_what_is_hard_what_separates_and_what_is_too_little() -> None:
    random = RANDOM(3)
    able = random.normal(3, 0.8, 80)
    table = np.column_stack(
        [rounded(able + random.normal(0, 0.5, 80)) for _ in range(4)] + [random.integers(1, 6, 80)]
    )
    table[:60, 3] = nan
    seconds = np.full(table.shape, 90.0)
    found = items.items(["a", "b", "c", "rare", "noise"], table, 1, 5, seconds)
    one = found[0]
    rest = np.nanmean(table[:, 1:], axis=1)
    assert one.discrimination.value == pytest.approx(stats.pearsonr(table[:, 0], rest).statistic)
    ends = stats.pearsonr(table[:, 0], rest).confidence_interval()
    assert (one.discrimination.low, one.discrimination.high) == pytest.approx((ends.low, ends.high))
    assert one.difficulty.value == pytest.approx((table[:, 0].mean() - 1) / 4)
    assert (one.exposure, one.seconds, one.notes) == (1.0, 90.0, [])
    assert found[3].difficulty.reason == "few" and found[3].exposure == 0.25
    assert found[4].notes == ["weak"]


def test_psi_of_a_worked_example_and_its_bands() -> None:
    # Shares .25/.25/.25/.25 against .4/.3/.2/.1: .15 ln 1.6 + .05 ln 1.2 - .05 ln .8 - .15 ln .4 = .228.
    before = np.repeat([1, 2, 3, 4], 2500)
    after = np.repeat([1, 2, 3, 4], [4000, 3000, 2000, 1000])
    found = drift.psi(before, after, [1.5, 2.5, 3.5])
    assert found.value.value == pytest.approx(0.228, abs=0.002) and found.band == "watch"
    random = RANDOM(5)
    over = [_over(random.normal(0, 1, 300), random.normal(0, 1, 300)) for _ in range(300)]
    assert np.mean(over) < 0.1  # of samples that did not shift, about one in twenty
    assert drift.psi(before[:50], after, [1.5]).value.reason == "few"
    assert drift.psi(random.normal(0, 1, 500), random.normal(1, 1, 500)).band == "shifted"


def _over(before: np.ndarray, after: np.ndarray) -> bool:
    found = drift.psi(before, after, [-0.8, -0.25, 0.25, 0.8])
    assert found.value.value is not None and found.chance is not None
    return found.value.value > found.chance


def test_anchors_hold_or_block() -> None:
    random = RANDOM(6)
    truth = random.integers(1, 6, 60).astype(float)
    before = rounded(truth + random.normal(0, 0.4, 60))
    assert drift.compare_anchors(truth, before, before, LEVELS).state == "holds"
    harsher = np.maximum(1, before - 1)
    assert "shift" in drift.compare_anchors(truth, before, harsher, LEVELS).breaches
    worse = drift.compare_anchors(truth, before, random.permutation(before), LEVELS)
    assert worse.blocked and {"agreement", "moved"} <= set(worse.breaches)
    mute = before.copy()
    mute[0] = nan
    assert drift.compare_anchors(truth, before, mute, LEVELS).breaches == ["unscored"]
    few = drift.compare_anchors(truth[:10], before[:10], before[:10], LEVELS)
    assert (few.state, few.blocked, few.qwk_after) == ("unmeasured", True, None)


def test_impact_ratio_of_the_four_fifths_rule() -> None:
    # Uniform Guidelines, question 12's arithmetic: 48 of 80 against 12 of 40 is a ratio of one half.
    groups = ["white"] * 80 + ["black"] * 40 + ["other"] * 5
    passed = [True] * 48 + [False] * 32 + [True] * 12 + [False] * 28 + [True] * 5
    found = fairness.impact(groups, passed, RANDOM(1).normal(0, 1, 125))
    row = next(row for row in found.rows if row.group == "black")
    assert (found.reference, found.left_out, len(found.rows)) == ("white", 5, 2)
    assert row.ratio.value == pytest.approx(0.5) and row.adverse
    assert row.p == pytest.approx(stats.fisher_exact([[12, 28], [48, 32]]).pvalue)
    ends = stats.contingency.relative_risk(12, 40, 48, 80).confidence_interval()
    assert (row.ratio.low, row.ratio.high) == pytest.approx((ends.low, ends.high), rel=1e-4)
    assert fairness.impact(groups[100:], passed[100:], [0.0] * 25).rows == []


def test_machine_and_human_are_compared_within_each_group() -> None:
    random = RANDOM(8)
    human = rounded(random.normal(3, 1, 200))
    machine = human + np.where(np.arange(200) < 100, 0.0, 0.6)
    found = fairness.machine_gaps(
        ["a"] * 100 + ["b"] * 60 + ["c"] * 40,
        [f"p{n if n < 160 else n % 2}" for n in range(200)],
        human,
        machine,
    )
    assert [(one.group, one.over, one.smd.reason) for one in found] == [
        ("a", False, ""),
        ("b", True, ""),
        ("c", False, "few"),
    ]


def test_holm_is_that_of_statsmodels() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert fairness.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_the_ordinal_model_is_that_of_statsmodels() -> None:
    random = RANDOM(9)
    able, side = random.normal(0, 1, 300), random.integers(0, 2, 300).astype(float)
    levels = rounded(3 + able + 0.5 * side + random.logistic(0, 0.6, 300))
    predictors = np.column_stack([able, side])
    outcome = pd.Series(pd.Categorical(levels, ordered=True))
    theirs = OrderedModel(outcome, predictors, distr="logit").fit(method="bfgs", disp=False, maxiter=500)
    assert dif.log_likelihood(levels, predictors) == pytest.approx(theirs.llf, abs=1e-3)


def test_mantel_is_mantel_haenszel_where_there_are_two_levels() -> None:
    random = RANDOM(10)
    stratum, member = random.integers(0, 4, 400), random.integers(0, 2, 400).astype(bool)
    passed = random.random(400) < 0.3 + 0.1 * stratum + 0.1 * member
    tables = [
        np.array([[np.sum(here & g & o) for o in (passed, ~passed)] for g in (member, ~member)])
        for here in (stratum == one for one in range(4))
    ]
    p, gap = dif.mantel(passed.astype(float), member, stratum)
    assert p == pytest.approx(StratifiedTable(tables).test_null_odds(correction=False).pvalue)
    assert gap is not None and gap > 0


def test_dif_is_found_where_it_is_and_not_where_only_ability_differs() -> None:
    random = RANDOM(11)
    member = np.arange(600) < 300
    able = random.normal(0, 1, 600) - 0.5 * member  # the groups differ in ability: that is no DIF
    rest = able + random.normal(0, 0.3, 600)
    fair = rounded(3 + able + random.logistic(0, 0.4, 600))
    unfair = rounded(3 + able - 1.2 * member + random.logistic(0, 0.4, 600))
    found = dif.corrected(
        [dif.dif("fair", "x", fair, rest, member), dif.dif("unfair", "x", unfair, rest, member)]
    )
    assert [one.flagged for one in found] == [False, True]
    assert found[1].favours == "reference" and found[1].mantel_p is not None and found[1].mantel_p < 0.001
    assert dif.dif("fair", "x", fair[:350], rest[:350], member[:350]).reason == "few"


def test_reviewing_the_doubtful_first_beats_chance() -> None:
    random = RANDOM(12)
    truth = random.integers(1, 6, 300).astype(float)
    noise = np.where(random.random(300) < 0.7, 0.3, 1.8)
    given = rounded(truth + random.normal(0, noise))
    posterior = np.exp(-0.5 * ((LEVELS[None, :] - given[:, None]) / noise[:, None]) ** 2)
    posterior /= posterior.sum(axis=1, keepdims=True)
    found = review.curve(truth, given, review.expected_gain(posterior, given, LEVELS), LEVELS)
    assert found.ordered[0] == pytest.approx(found.random[0]) and found.ordered[-1] == 1.0
    assert found.over_random20.low is not None and found.over_random20.low > 0
    assert found.gain20.value is not None and found.ordered[4] == pytest.approx(
        found.ordered[0] + found.gain20.value
    )
    assert review.gain_of(3.0, 0.7, [], LEVELS) == pytest.approx(0.49)
    assert review.gain_of(3.0, 0.0, [0, 0.5, 0, 0.5, 0], LEVELS) == pytest.approx(1.0)
    assert review.curve(truth[:20], given[:20], given[:20], LEVELS).gain20.reason == "few"


def test_selection_hides_validity_and_the_correction_brings_it_back() -> None:
    random = RANDOM(13)
    score = random.normal(0, 1, 4000)
    later = 0.5 * score + random.normal(0, np.sqrt(0.75), 4000)
    hired = np.where(score > 0.5, later, nan)
    found = validity.criterion(score, hired)
    assert found.raw.value is not None and found.raw.value < 0.35
    assert found.corrected.value == pytest.approx(0.5, abs=0.06)
    assert found.restriction is not None and found.restriction < 0.6
    # u = 2 and r = .30: .30 * 2 / sqrt(1 + .09 * 3) = .532 (Thorndike's case 2).
    assert validity.thorndike_2(0.30, 2.0) == pytest.approx(0.532, abs=0.001)
    assert validity.criterion(score[:20], hired[:20]).raw.reason == "few"
