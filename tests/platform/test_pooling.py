"""From answers to scores: what labels of the questions change about a score's error and about calling it provisional."""

from __future__ import annotations

import msgspec
import pytest

from duilian.platform.scoring.pooling import CompetencyScore, ReadAnswer, pool, total
from duilian.platform.scoring.requests import written_transcript
from duilian.serving import contracts as c
from playing import shipped

SET = shipped("retail", "complaint")
FIRST, SECOND = SET.competencies[:2]
NARROW = [0.0, 0.05, 0.9, 0.05, 0.0]


def why(trust: float, labels: int) -> c.Why:
    return c.Why(
        expected=3.0, spread=0.5, labels=labels, trust=trust, moved=[], near=[], points=[], short_of=[], lift=[],
        lifted=None,
    )  # fmt: skip


def answer(number: int, judged: c.Why | None, weight: float = 1.0) -> ReadAnswer:
    judgements = [
        c.Judgement(
            competency=one.key, outcome="scored", posterior=NARROW, weight=weight, quotes=[], why=judged
        )
        for one in (FIRST, SECOND)
    ]
    response = c.ScoreResponse(
        judgements=judgements, star={}, specificity=0, question_overlap=0, on_topic=1, versions={}
    )
    return ReadAnswer(
        key=f"q{number}", competencies=[FIRST.key, SECOND.key], transcript=written_transcript("我先听他说完。", "zh"),
        judged=response, refusal=None,
    )  # fmt: skip


def scored(*answers: ReadAnswer) -> CompetencyScore:
    return pool(FIRST, list(answers), "zh-CN")


def test_a_score_is_provisional_until_labels_of_its_questions_have_half_of_the_say() -> None:
    assert scored(answer(1, None)).provisional
    assert scored(answer(1, why(0.9, labels=0))).provisional, "what was carried over from other questions"
    assert scored(answer(1, why(0.4, labels=12))).provisional
    assert scored(answer(1, why(0.9, labels=2))).provisional, "two labels carry nothing by themselves"
    assert not scored(answer(1, why(0.65, labels=40))).provisional
    half = scored(answer(1, why(0.8, labels=40)), answer(2, None, weight=0.2))
    assert (half.labelled, half.provisional) == (pytest.approx(0.8 * 0.8 / 1.2, abs=0.001), False)
    assert scored(answer(1, why(0.8, labels=40)), answer(2, None, weight=2.0)).provisional


def test_what_a_cold_start_cannot_know_goes_as_labels_speak() -> None:
    errors = [
        scored(answer(1, one)).standard_error for one in (None, why(0.3, 12), why(0.7, 40), why(0.95, 90))
    ]
    assert errors == sorted(errors, key=lambda error: -(error or 0)) and len(set(errors)) == 4
    assert len({scored(answer(1, one)).score for one in (None, why(0.7, 40))}) == 1, (
        "the level is the posterior's"
    )


def test_a_total_is_provisional_while_any_part_of_it_is() -> None:
    half = [scored(answer(1, why(0.9, 60))), pool(SECOND, [answer(1, None)], "zh-CN")]
    whole = [pool(one, [answer(1, why(0.9, 60))], "zh-CN") for one in (FIRST, SECOND)]
    assert total(half)["provisional"] is True and total(whole)["provisional"] is False
    assert total(whole)["standard_error"] < total(half)["standard_error"]


def test_cut_points_stretch_the_error_of_competency_and_total_alike() -> None:
    cuts = (1.5, 2.9, 3.1, 4.5)  # what lies about 3 is drawn apart
    apart = [
        pool(msgspec.structs.replace(one, cuts=cuts), [answer(1, None)], "zh-CN") for one in (FIRST, SECOND)
    ]
    plain = [pool(one, [answer(1, None)], "zh-CN") for one in (FIRST, SECOND)]
    assert apart[0].standard_error is not None and plain[0].standard_error is not None
    grown = apart[0].standard_error / plain[0].standard_error
    assert grown == pytest.approx(5, rel=0.1)
    assert total(apart)["standard_error"] / total(plain)["standard_error"] == pytest.approx(grown, rel=0.1)
