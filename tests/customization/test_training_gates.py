"""The gates that need declared groups and an anchor set, and what a run is estimated at: figures in, verdicts out."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from duilian.customization.lab.judging import Judged
from duilian.customization.lab.lines import Line
from duilian.customization.measurement import drift, fairness
from duilian.customization.measurement.selection import selections
from duilian.customization.training import costs, folds, joint
from duilian.customization.training.evaluating import Evaluation
from duilian.customization.training.gates import Gate, GroupFigures, GroupGap, GroupSelection, all_gates
from duilian.customization.training.joint import with_interval

LEVELS = np.array([1, 2, 3, 4, 5])
HUMAN = np.tile(np.repeat(LEVELS, 16), 2).astype(float)
GROUPS = ["man"] * 80 + ["woman"] * 80
NONE = drift.Verdict(state="unmeasured", breaches=[], n=0, least=20)
RANDOM = np.random.default_rng


@pytest.fixture(scope="module")
def found() -> Evaluation:
    """Of a model that does well in everything else."""
    figure = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 160}
    nought = figure | {"value": 0.0, "low": -0.02, "high": 0.02}
    names = ("mean_qwk", "pooled_qwk", "humans_qwk", "exact", "adjacent", "macro_f1", "covered")
    agreement = dict.fromkeys(names, figure) | {"smd": nought}
    agreement |= {"n": 160, "items": 1, "provisional": 0, "refused": 0}
    content = {
        "candidate": agreement, "own": figure, "alone": figure, "by_heart": figure, "current": figure, "difference": nought,
        "refused": 0.0, "current_refused": 0.0, "curve": [], "repeats": True,
    }  # fmt: skip
    return msgspec.convert(content, Evaluation)


def gate(found: Evaluation, name: str, machine: np.ndarray | None = None, **more) -> Gate:
    """The named one, of these marks of the model beside HUMAN."""
    figures = GroupFigures() if machine is None else figures_of(machine, **more)
    anchors = more.get("anchors", NONE)
    return next(one for one in all_gates(found, 160, 160, figures, anchors) if one.name == name)


def figures_of(machine: np.ndarray, groups: list[str] = GROUPS, human: np.ndarray = HUMAN) -> GroupFigures:
    gaps = fairness.machine_gaps(groups, [str(n) for n in range(len(groups))], human, machine)
    return GroupFigures(
        gaps=[GroupGap(question="gender", group=one.group, smd=one.smd) for one in gaps],
        selections=[
            GroupSelection(question="gender", found=one) for one in selections(groups, human, machine)
        ],
    )


def fair(spread: float = 0.3) -> np.ndarray:
    return HUMAN + RANDOM(3).normal(0, spread, HUMAN.size)


def test_a_group_that_is_marked_down_closes_the_way(found: Evaluation) -> None:
    assert gate(found, "groups", fair()).state == "passed"
    harsh = fair() - np.where(np.array(GROUPS) == "woman", 0.5, 0.0)
    closed = gate(found, "groups", harsh)
    assert (closed.state, closed.params["group"]) == ("failed", "woman") and closed.value.startswith("−0.3")
    assert gate(found, "groups").case == "unmeasured"


def test_the_impact_ratio_closes_the_way_only_where_the_test_finds_it(found: Evaluation) -> None:
    passed = gate(found, "impact", fair())
    assert passed.state == "passed" and passed.params["rate"] and passed.threshold == "≥ 0.80"
    harsh = fair() - np.where(np.array(GROUPS) == "woman", 1.2, 0.0)
    closed = gate(found, "impact", harsh)
    assert (closed.state, closed.params["group"], closed.params["other"]) == ("failed", "woman", "man")
    assert closed.params["human_rate"] == closed.params["human_other_rate"], "the labels do not carry it"
    few = np.r_[0:60:2, 80:140:2]
    thirty = [GROUPS[place] for place in few]
    noise = fair()[few] - np.where(few >= 80, 0.5, 0.0)
    unsure = gate(found, "impact", noise, groups=thirty, human=HUMAN[few])
    assert (unsure.state, unsure.case) == ("warned", "unproven"), unsure


def test_fewer_than_thirty_of_a_group_are_not_compared(found: Evaluation) -> None:
    few = np.r_[0:80, 80:109]
    harsh = fair()[few] - np.where(few >= 80, 2.0, 0.0)
    unmeasured = gate(found, "impact", harsh, groups=[GROUPS[place] for place in few], human=HUMAN[few])
    assert (unmeasured.state, unmeasured.case) == ("warned", "unmeasured")


def test_labels_that_carry_the_difference_do_not_excuse_it(found: Evaluation) -> None:
    carried = HUMAN - np.where(np.array(GROUPS) == "woman", 1.2, 0.0)
    closed = gate(found, "impact", carried + RANDOM(4).normal(0, 0.2, carried.size), human=carried)
    assert closed.state == "failed" and closed.params["human_rate"] != closed.params["human_other_rate"]
    assert (
        gate(found, "groups", carried + RANDOM(4).normal(0, 0.05, carried.size), human=carried).state
        == "passed"
    )


def test_anchors_that_hold_pass_those_that_move_away_fail(found: Evaluation) -> None:
    truth = np.repeat(LEVELS, 8).astype(float)
    now = np.clip(truth + RANDOM(5).normal(0, 0.3, 40), 1, 5)

    def state(before: np.ndarray, after: np.ndarray) -> tuple[str, str]:
        verdict = drift.compare_anchors(truth, before, after, LEVELS)
        one = gate(found, "anchors", anchors=verdict)
        return one.state, one.case

    assert state(now, now) == ("passed", "passed")
    assert state(now, RANDOM(6).permutation(now)) == ("failed", "failed")
    assert state(RANDOM(6).permutation(now), now) == ("warned", "nearer")
    lost = now.copy()
    lost[0] = np.nan
    assert state(RANDOM(6).permutation(now), lost) == ("failed", "failed"), "none may be lost for it"
    few = drift.compare_anchors(truth[:19], now[:19], now[:19], LEVELS)
    assert gate(found, "anchors", anchors=few).case == "unmeasured"


def test_a_run_is_estimated_from_its_labels_and_corrected_by_what_runs_took() -> None:
    price = costs.prices("CNY:45,USD:7")
    few, many = (costs.estimate(labels, [], price) for labels in (60, 960))
    assert few.core_seconds < 3 and 10 < many.core_seconds < 60 and many.seconds > many.core_seconds
    assert few.money == {"CNY": 1, "USD": 1} and costs.estimate(60, [], {}).money == {}
    assert costs.money(7200, price) == {"CNY": 90, "USD": 14}
    slow = [costs.Past(labels=960, seconds=40.0, core_seconds=many.core_seconds * 3)]
    assert costs.estimate(960, slow, price).core_seconds == pytest.approx(many.core_seconds * 3, rel=0.1)


def test_more_answers_without_a_score_close_the_way(found: Evaluation) -> None:
    def state(candidate: float, current: float) -> str:
        one = msgspec.structs.replace(found, refused=candidate, current_refused=current)
        return gate(one, "refusals").state

    assert state(0.10, 0.09) == state(0.11, 0.09) == "passed"
    assert state(0.12, 0.09) == "failed"


def test_the_joint_error_is_measured_so_that_intervals_hold_what_they_promise() -> None:
    """Of rubric and model that err together: as if apart they are too sure of it, and the fewer labels the less is concluded."""

    def answers(count: int, stray: float) -> tuple[list[Line], list[Judged]]:
        dice = RANDOM(8)
        level = dice.uniform(1.5, 4.5, count)
        lines = [Line(item="a", answer=str(n), score=float(s), person=str(n)) for n, s in enumerate(level)]
        said = level + dice.normal(0, stray, count)
        judged = [Judged(item="a", score=1.0, expected=float(e), standard_error=0.3) for e in said]
        return lines, judged

    def held(count: int, stray: float) -> float:
        lines, judged = answers(count, stray)
        error = 0.3 * joint.joint_error(lines, judged)
        wide = [with_interval(msgspec.structs.replace(one, standard_error=error)) for one in judged]
        inside = [one.low <= line.score <= one.high for line, one in zip(lines, wide, strict=True)]
        return float(np.mean(inside))

    lines, judged = answers(400, 0.45)
    assert joint.joint_error(lines, judged) == pytest.approx(1.5, abs=0.1)
    assert held(400, 0.45) == pytest.approx(0.9, abs=0.03) and held(400, 0.3) == pytest.approx(0.9, abs=0.03)
    assert 1 < joint.joint_error(*answers(10, 0.45)) < 1.4
    assert joint.joint_error([], []) == 1
    nothing = Judged(item="a", score=None, refused="no-evidence")
    assert joint.joint_error(lines[:1], [nothing]) == 1 and with_interval(nothing) == nothing


def test_labels_correct_the_rubrics_severity_as_far_as_they_are_many() -> None:
    def offset(count: int) -> float:
        lines = [Line(item="a", answer=str(n), score=2.0 + n % 2, person=str(n)) for n in range(count)]
        judged = [Judged(item="a", score=3.0, expected=3.0 + n % 2) for n in range(count)]
        return joint.rubric_offset(lines, judged)

    assert (
        offset(0) == 0
        and offset(10) == pytest.approx(-10 / 13.6)
        and offset(990) == pytest.approx(-990 / 993.6)
    )


def test_a_held_out_persons_good_answer_is_no_reference_of_the_others() -> None:
    """Else a model would be checked on what it was told deserves the highest mark."""
    said = [f"answer {number}" for number in range(10)]
    lines = [
        Line(
            item="a",
            reference=["anchor", *(text for text in said[:4] if text != mine)],
            answer=mine,
            score=3.0,
            person=mine,
        )
        for mine in said
    ]
    for number in range(folds.FOLDS):
        part = folds.held_out(lines, number)
        answers = {lines[place].answer for place in part}
        taught = folds.without(lines, part)
        assert taught and not any(answers & set(line.reference) for line in taught)
        assert all("anchor" in line.reference for line in taught)
    assert sum(len(folds.held_out(lines, number)) for number in range(folds.FOLDS)) == 10
