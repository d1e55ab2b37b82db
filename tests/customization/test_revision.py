"""Weights, cut points, order and effects on planted data: what is found, what is refused, how far one step goes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from duilian.customization.cuts import placed, rising, shifted, stretch
from duilian.customization.errors import BadPack
from duilian.customization.packs import SHIPPED, read_set
from duilian.customization.revision import borders, effect, order, weights
from duilian.customization.schemas import HALFWAY
from duilian.platform.scoring.pooling import measure
from duilian.serving.contracts import Judgement
from duilian.serving.scoring.levels import level_posterior

N = 200
PEOPLE = [str(number) for number in range(N)]
KEYS, PRESENT = ["a", "b", "c", "d"], [25, 25, 25, 25]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def test_weights_follow_what_decisions_followed_one_step_at_a_time(random: np.random.Generator) -> None:
    scores = np.clip(5 + 1.5 * random.normal(size=(N, 4)), 0, 10)
    went_on = (scores @ [0.7, 0.1, 0.1, 0.1] + 0.5 * random.normal(size=N) > 5).astype(float)
    fit = weights.fit(KEYS, PRESENT, scores, went_on, "decision", PEOPLE)
    first = fit.rows[0]
    assert fit.why == "" and fit.held_out.low is not None and fit.held_out.low > 0
    assert first.fitted.low > 25 and first.proposed == 35 == max(row.proposed for row in fit.rows)
    assert sum(row.proposed for row in fit.rows) == 100
    scores[20:, 1] = np.nan  # hardly ever scored: its weight stays
    rare = weights.fit(KEYS, PRESENT, scores, went_on, "decision", PEOPLE)
    assert rare.rows[1].proposed == 25 and rare.rows[1].fitted.reason == "few"
    assert rare.rows[0].proposed == 35 and sum(row.proposed for row in rare.rows) == 100


@pytest.mark.parametrize(
    ("n", "advanced", "why"), [(40, 0.5, "few"), (N, 0.03, "one_sided"), (N, 0.5, "same")]
)
def test_weights_stay_where_the_cases_do_not_say(
    random: np.random.Generator, n: int, advanced: float, why: str
) -> None:
    scores = np.clip(5 + 1.5 * random.normal(size=(n, 4)), 0, 10)
    total = scores.mean(axis=1) + 0.5 * random.normal(size=n)
    went_on = (total > np.quantile(total, 1 - advanced)).astype(float)
    fit = weights.fit(KEYS, PRESENT, scores, went_on, "decision", PEOPLE[:n])
    assert fit.why == why and fit.n == n
    assert weights.fit(KEYS, PRESENT, scores, -total, "outcome", PEOPLE[:n]).why == (
        "few" if n < 60 else "unrelated"
    )


def test_cut_points_move_against_the_difference_and_no_further_than_a_step(
    random: np.random.Generator,
) -> None:
    mean = random.uniform(1.5, 4.5, N)
    human = np.clip(np.rint(mean + 0.6 + 0.4 * random.normal(size=N)), 1, 5)
    fit = borders.fit("a", None, human, mean, PEOPLE)
    assert fit.why == "" and fit.difference.low > 0 and fit.held_out.low > 0
    assert fit.proposed == shifted(None, -0.3) == (1.2, 2.2, 3.2, 4.2)
    again = borders.fit("a", fit.proposed, human, mean, PEOPLE)
    assert 0 < again.difference.value < fit.difference.value  # what was moved is not asked for twice
    assert borders.fit("a", None, np.rint(mean), mean, PEOPLE).why == "same"
    assert borders.fit("a", None, human[:20], mean[:20], PEOPLE[:20]).why == "few"
    assert (
        borders.fit("a", None, human, mean, ["one"] * N).why == "few"
    )  # marks of one person say nothing of others


def test_questions_change_places_only_where_one_is_clearly_harder(random: np.random.Generator) -> None:
    able = random.normal(size=(60, 1))
    levels = np.clip(3 + 0.7 * able + np.array([-1, 0.8, -0.8, 0]) + 0.3 * random.normal(size=(60, 4)), 1, 5)
    said = {"c": order.Said(hard=20, unclear=12, asked=30), "d": order.Said(hard=28, easy=2, asked=30)}
    fit = order.fit(KEYS, ["a"], levels, said)
    assert fit.proposed == ["a", "b", "d", "c"] and fit.why == ""
    assert [one.question for one in fit.items if one.reword] == ["c"]
    assert [one.question for one in fit.items if one.contradicts] == ["d"]
    assert order.fit(KEYS, ["a"], levels[:20], said).why == "few"


def test_effects_of_few_are_not_told(random: np.random.Generator) -> None:
    before = random.uniform(0, 10, N)
    after = before + 0.4
    assert effect.change(before[:19], after[:19], PEOPLE[:19]) is None
    change = effect.change(before, after, PEOPLE)
    assert change is not None and change.changed == N and sum(change.bins) == N and change.rank.value > 0.99
    crossed = effect.crossing(before, after, 5.0)
    assert crossed.up == int(((before < 5) & (after >= 5)).sum()) and crossed.down == 0
    assert effect.usual_border(before, np.where(before > 6, 1.0, 0.0)) == (pytest.approx(6, abs=0.2), N)
    assert effect.usual_border(before, np.full(N, 1.0)) is None
    assert effect.usual_border(before, random.integers(0, 2, N).astype(float)) is None


def test_cut_points_are_a_map_of_the_scale_onto_itself() -> None:
    cuts = (1.2, 2.2, 3.4, 4.4)
    assert [placed(cut, cuts) for cut in (1, *cuts, 5)] == pytest.approx([1, *HALFWAY, 5])
    assert placed(3.3, None) == 3.3 and stretch(3.3, None) == 1
    assert not rising((1.5, 2.5, 2.6, 4.5)) and rising(shifted(cuts, -9)) and rising(shifted(cuts, 9))


def test_a_rubric_without_cut_points_scores_and_reads_as_before() -> None:
    source = (SHIPPED / "retail" / "complaint.yaml").read_text("utf-8")
    content = read_set(source)
    plain = content.competencies[0]
    judged = [Judgement(competency=plain.key, outcome="scored", posterior=level_posterior(3.3, 0.5), weight=1.0, quotes=[])]  # fmt: skip
    assert "cuts" not in msgspec.to_builtins(plain)
    lower = msgspec.structs.replace(plain, cuts=(1.1, 2.1, 3.1, 4.1))
    assert measure(lower, judged).score == pytest.approx(measure(plain, judged).score + 0.4 * 2.5, abs=0.15)
    with pytest.raises(BadPack, match="rising borders"):
        read_set(source.replace("    weight: 25\n", "    weight: 25\n    cuts: [1.5, 2.5, 2.6, 4.5]\n", 1))
