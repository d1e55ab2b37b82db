"""Speech vocabulary as pure functions: what is proposed, what is measured, what the checks make of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from duilian.customization.measurement import drift
from duilian.customization.vocabulary import evaluating, gates
from duilian.customization.vocabulary.evaluating import Heard
from duilian.customization.vocabulary.keyness import BACKGROUND_WORDS, keys, log_likelihood
from duilian.customization.vocabulary.misheard import Fixed, misheard, pairs
from duilian.customization.vocabulary.proposing import History, Said, propose

OPENINGS = ("昨天我把", "店长让我先看", "我们每周都要查", "顾客问我", "下班以前我核对")
ENDINGS = ("交给了同事", "放在货架上", "又看了一遍", "登记好了", "没有问题")


def said(word: str, times: int, first: int = 0) -> list[tuple[str, str]]:
    """Sentences with the word, each by another person and between other words."""
    return [
        (f"p{first + n}", f"{OPENINGS[n % 5]}{word}{ENDINGS[(n // 5 + n) % 5]}，然后就回家了。")
        for n in range(times)
    ]


def test_the_likelihood_ratio_is_that_of_a_table() -> None:
    count, total, frequency = 12, 20_000, 2e-6
    there = round(frequency * BACKGROUND_WORDS)
    table = [[count, there], [total - count, BACKGROUND_WORDS - there]]
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert log_likelihood(count, total, frequency) == pytest.approx(expected, rel=0.01)
    assert log_likelihood(1, total, 0.01) == 0.0, "rarer here than in the language"


def test_a_company_s_own_words_stand_out_and_those_of_one_person_do_not() -> None:
    texts = [*said("防损单", 12), *said("优惠券", 6), *[("p1", "我叫欧阳晓霖，大家叫我欧阳晓霖。")] * 5]
    found = {key.word: key for key in keys(texts, "zh-CN")}
    assert {"防损单", "优惠券"} <= set(found) and found["防损单"].people == 12
    assert not [word for word in found if word in "欧阳晓霖" or "然后" in word or word == "损单"]
    english = [
        (f"p{n}", f"I checked the planogram and then went to line {n} with the others.") for n in range(6)
    ]
    assert [key.word for key in keys(english, "en")] == ["planogram"]


def test_corrections_name_the_word_that_was_misheard() -> None:
    assert pairs("我把优会券给了他。", "我把优惠券给了他。", "zh-CN") == [("优惠券", "优会券")]
    assert pairs("I checked the plan gram.", "I checked the planogram.", "en") == [("planogram", "plan gram")]
    assert pairs("我把它给了他。", "我把它给了她。", "zh-CN") == [], "no rare word"
    fixed = [
        Fixed(person=f"p{n}", locale="zh-CN", heard="用了优会券。", text="用了优惠券。") for n in range(2)
    ]
    assert [(one.word, one.people, one.heard) for one in misheard(fixed, "zh-CN", "")] == [
        ("优惠券", 2, ["优会券"])
    ]
    assert misheard(fixed[:1], "zh-CN", "") == [] != misheard(fixed[:1], "zh-CN", "请谈谈优惠券。")


def test_what_was_misheard_comes_first_and_what_is_known_or_harmful_not_at_all() -> None:
    history = History(
        said=[Said(person, "zh-CN", text) for person, text in [*said("防损单", 12), *said("东西", 40)]],
        fixed=[Fixed(person=f"p{n}", locale="zh-CN", heard="用了优会券。", text="用了优惠券。") for n in range(3)],
        known={"zh-CN": ["收银台"]},
    )  # fmt: skip
    content = propose(history)
    assert content.words("zh-CN")[0] == "优惠券" and content.words("en") == []
    assert "防损单" in content.words("zh-CN")
    assert "防损单" not in propose(history, {"防损单"}).words("zh-CN")
    assert propose(history).sha256 == content.sha256 != propose(history, {"防损单"}).sha256
    assert "优惠券" not in propose(history.without({"p0", "p1"})).words("zh-CN")


def heard(plain: str, helped: str, reference: str | None, number: int) -> Heard:
    return Heard(
        person=f"p{number}", locale="zh-CN", reference=reference, plain=plain, helped=helped, words=["优惠券", "防损单"]
    )  # fmt: skip


def gate(found: evaluating.Evaluation, name: str) -> tuple[str, str]:
    one = next(
        one
        for one in gates.all_gates(found, drift.Verdict(state="unmeasured", breaches=[], n=0, least=20))
        if one.name == name
    )
    return one.state, one.case


def test_errors_are_counted_with_and_without_and_the_gates_follow() -> None:
    assert evaluating.edits("优惠券", "优会券券") == 2 and evaluating.edits("", "abc") == 3
    better = [heard("我用优会券付款", "我用优惠券付款", "我用优惠券付款", n) for n in range(8)]
    found, inserted = evaluating.evaluate(better)
    (chinese, english) = found.errors
    assert chinese.plain.value == pytest.approx(1 / 7) and chinese.helped.value == 0
    assert english.plain.reason == "few" and inserted == [] and found.silent == 8
    assert gate(found, "not_worse") == gate(found, "insertions") == ("passed", "passed")
    worse = [heard("我用优惠券付款", "我用优惠付款", "我用优惠券付款", n) for n in range(8)]
    assert gate(evaluating.evaluate(worse)[0], "not_worse") == ("failed", "failed")


def test_a_word_that_nobody_said_closes_the_way_and_nothing_measured_is_said() -> None:
    invented, inserted = evaluating.evaluate([heard("我用现金付款", "我用优惠券付款", None, 1)])
    assert gate(invented, "insertions") == ("failed", "failed") and inserted == ["优惠券"]
    assert gate(invented, "not_worse") == ("warned", "unmeasured")
    nothing, _ = evaluating.evaluate([])
    assert gate(nothing, "insertions") == gate(nothing, "not_worse") == ("warned", "unmeasured")


def test_distance_is_symmetric_and_bounded() -> None:
    random = np.random.default_rng(4)
    for _ in range(20):
        a, b = ("".join(random.choice(list("甲乙丙丁"), random.integers(0, 9))) for _ in range(2))
        assert evaluating.edits(a, b) == evaluating.edits(b, a) <= max(len(a), len(b))
        assert evaluating.edits(a, a) == 0
