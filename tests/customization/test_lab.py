"""`duilian lab` on files: what it learns, what it says, what it refuses. The answers are made from parts, so the truth is known."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from duilian.customization.lab import artefacts
from duilian.customization.lab.cli import lab
from duilian.customization.lab.evaluation import folds_of
from duilian.customization.lab.learning import learn
from duilian.customization.lab.lines import Line
from duilian.customization.lab.vectors import Vectors
from duilian.infra.settings import load
from duilian.serving.scoring.learned.facts import in_order, shared
from duilian.serving.scoring.learned.forgetting import without
from duilian.serving.scoring.learned.observe import Observer
from duilian.serving.scoring.learned.process import Block, solve
from duilian.serving.scoring.learned.tokens import runs, units, verdict

ITEMS = {
    "leak": ("设备漏油时你会怎么做？", ["先停机断电", "挂上警示牌", "找到漏点", "更换密封圈"]),
    "anger": ("客户在店里大声投诉，你怎么处理？", ["先听他说完", "向他道歉", "提出换货", "第二天回访"]),
    "late": ("What do you do when a delivery is late?", ["call the customer", "find the parcel", "offer a refund", "note the cause"]),
}  # fmt: skip
IDLE = ["我觉得这个很重要", "当时天气很热", "大家都很努力", "I think it matters", "it was a busy day"]


def lines(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Answers that hold some of an item's four points; the score is how many."""
    dice = random.Random(seed)
    found: list[dict[str, Any]] = []
    for number, (key, (question, points)) in itertools.product(range(count), ITEMS.items()):
        said = dice.sample(points, dice.randrange(5))
        idle = [text for text in IDLE if text.isascii() == question.isascii()]
        words = said + dice.sample(idle, 1 + dice.randrange(2))
        dice.shuffle(words)
        stop = ". " if question.isascii() else "。"
        found.append({
            "item": key, "question": question, "reference": [stop.join(points)], "answer": stop.join(words),
            "score": len(said), "second_score": min(4, len(said) + (number % 7 == 0)), "person": f"p{number}",
        })  # fmt: skip
    return found


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(lab, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("lab")
    data = write(folder / "train.jsonl", lines(25))
    facts = json.loads(run("train", data, "--out", folder / "model"))
    assert (facts["items"], facts["labels"], facts["scale"]) == (3, 75, [0, 1, 2, 3, 4])
    return folder / "model", data


def test_a_model_agrees_with_the_readers_on_people_it_has_not_seen(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    others = [row | {"person": row["person"] + "x"} for row in lines(15, seed=2)]
    found = json.loads(run("evaluate", trained[0], write(tmp_path / "test.jsonl", others)))
    assert found["pooled_qwk"]["value"] > 0.8
    assert found["pooled_qwk"]["low"] <= found["pooled_qwk"]["value"] <= found["pooled_qwk"]["high"]
    assert found["humans_qwk"]["value"] > 0.9
    assert 0.75 <= found["covered"]["value"] <= 1.0
    assert found["n"] == 45 and found["provisional"] == 0


def test_the_same_lines_give_the_same_bytes(trained: tuple[Path, Path], tmp_path: Path) -> None:
    run("train", trained[1], "--out", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == trained[0].read_bytes()
    assert run("score", trained[0], trained[1]) == run("score", tmp_path / "again", trained[1])


def test_an_answer_is_scored_the_same_alone_and_among_others(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    rows = lines(3, seed=3)
    together = run("score", trained[0], write(tmp_path / "all.jsonl", rows)).splitlines()
    alone = run("score", trained[0], write(tmp_path / "one.jsonl", rows[4:5])).splitlines()
    assert json.loads(alone[0]) == json.loads(together[4])


def test_an_item_without_labels_is_scored_provisionally_and_with_more_doubt(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    points = ["先确认身份", "冻结账户", "登记挂失", "通知上级"]
    asked = {"item": "theft", "question": "客户说账户被盗怎么办？", "reference": ["。".join(points)]}
    rows = [
        asked | {"answer": "。".join(points)},
        asked | {"answer": "我觉得天气很热。"},
        asked | {"answer": " \n"},
    ]
    good, poor, silent = map(
        json.loads, run("score", trained[0], write(tmp_path / "new.jsonl", rows)).splitlines()
    )
    assert good["provisional"] and good["expected"] > poor["expected"] + 1
    known = [json.loads(row) for row in run("score", trained[0], trained[1]).splitlines()]
    assert good["standard_error"] > np.median([row["standard_error"] for row in known])
    assert (silent["score"], silent["refused"]) == (None, "nothing-said")


def test_more_labels_agree_better(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", lines(30))
    points = json.loads(run("curve", data, "--labels", "3,15,90", "--repeats", "2"))["points"]
    few, many, too_many, everything = points
    assert few["mean_qwk"]["value"] < many["mean_qwk"]["value"] <= everything["mean_qwk"]["value"] + 0.05
    assert (too_many["items"], too_many["mean_qwk"]["value"]) == (0, None)


def test_the_industry_speaks_of_questions_that_have_no_labels(tmp_path: Path) -> None:
    """And is silent about those that have: what was learned of them is the same to the last digit."""
    own, seen = lines(8), lines(40, seed=6)
    mine = write(tmp_path / "own.jsonl", [row for row in own if row["item"] == "late"])
    pack = write(
        tmp_path / "pack.jsonl",
        [row | {"person": None} for row in lines(12, seed=5) if row["item"] == "anger"],
    )
    other = write(tmp_path / "leak.jsonl", [row for row in seen if row["item"] == "leak"])
    same = write(tmp_path / "late.jsonl", [row for row in seen if row["item"] == "late"])
    alone = json.loads(run("train", mine, "--out", tmp_path / "alone"))
    helped = json.loads(run("train", mine, "--industry", pack, "--out", tmp_path / "helped"))
    assert (alone["labels"], alone["industry"], helped["labels"], helped["industry"]) == (8, 0, 8, 12)
    without_it, with_it = (
        json.loads(run("evaluate", tmp_path / model, other))["pooled_qwk"]["value"]
        for model in ("alone", "helped")
    )
    assert with_it > without_it + 0.05
    said = [json.loads(row) for row in run("score", tmp_path / "helped", other).splitlines()]
    assert all(row["provisional"] for row in said), "what the industry marked is no label of the company's"
    assert run("score", tmp_path / "helped", same) == run("score", tmp_path / "alone", same)


def test_people_leave_a_model_and_the_industry_stays(tmp_path: Path) -> None:
    own = [Line(**row) for row in lines(8) if row["item"] == "late"]
    others = [Line(**row | {"person": None}) for row in lines(5, seed=5) if row["item"] != "late"]
    vectors = Vectors(load())
    learned = learn(own, Observer(vectors), {"multilingual-e5-small": "1"}, industry=others)
    left = without(learned, {"p0", "p1"})
    assert left is not None and [len(item.people) for item in left.items] == [6]
    assert [item.key for item in left.industry] == ["anger", "leak"] and left.industry == learned.industry
    assert without(learned, {row.person for row in own if row.person}) is None, "it is nobody's any more"


def test_nobody_stands_on_both_sides() -> None:
    rows = [Line(**row) for row in lines(20)]
    fold = folds_of(rows, 5)
    assert all(len({fold[id(row)] for row in rows if row.person == one.person}) == 1 for one in rows)
    assert set(fold.values()) == set(range(5))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (['{"item": "a"}'], "Line 1"),
        (['{"item": "a", "answer": "b", "score": 1}', "not json"], "Line 2"),
        (['{"item": "a", "answer": "b", "score": NaN}'], "Line 1"),
        ([], "no lines"),
        (['{"item": "a", "answer": "b"}'] * 9, "nothing to learn"),
        ([f'{{"item": "a", "answer": "answer {n}", "score": 3}}' for n in range(9)], "Every score is 3"),
    ],
)
def test_bad_files_are_refused_in_words(rows: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("\n".join(rows))
    result = CliRunner().invoke(lab, ["train", str(tmp_path / "bad.jsonl"), "--out", str(tmp_path / "model")])
    assert result.exit_code == 1 and said in result.stderr
    assert not (tmp_path / "model").exists()


def test_a_damaged_model_is_refused(trained: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(trained[0].read_bytes()[:-100])
    with pytest.raises(artefacts.ModelUnreadable):
        artefacts.read(tmp_path / "model")
    learned, _ = artefacts.read(trained[0])
    with pytest.raises(artefacts.OtherEncoder):
        artefacts.ready(learned, "model", {"another": "1"})


def test_blocks_are_solved_as_the_whole() -> None:
    """The Woodbury solution against the plain one, and leave-one-out against leaving each out."""
    dice = np.random.default_rng(4)
    features = [dice.standard_normal((n, 3)) for n in (4, 6)]
    roots = [dice.standard_normal((n, n)) for n in (4, 6)]
    blocks = [
        Block(r @ r.T + np.eye(len(r)), f, dice.standard_normal((len(r), 2)))
        for r, f in zip(roots, features, strict=True)
    ]
    solution = solve(blocks)
    whole = np.vstack(features) @ np.vstack(features).T
    whole[:4, :4] += blocks[0].covariance
    whole[4:, 4:] += blocks[1].covariance
    targets = np.vstack([block.targets for block in blocks])
    own = np.linalg.inv(whole) @ targets
    assert np.vstack([block.own for block in solution.blocks]) == pytest.approx(own)
    kept = np.delete(np.arange(10), 7)
    left = whole[7, kept] @ np.linalg.solve(whole[np.ix_(kept, kept)], targets[kept])
    assert solution.blocks[1].left_out[3] == pytest.approx(left)


def test_texts_fall_into_units() -> None:
    assert units("Ｏ(n/2) 是2.5倍") == ("o", "(", "n", "/", "2", ")", "是", "2.5", "倍")
    assert runs("甲乙甲乙", 2, 2)[("甲", "乙")] == 2
    assert shared(runs("甲乙丙", 1, 1), runs("乙丙丁戊", 1, 1)) == (2 / 3, 0.5)
    assert in_order("甲丁乙丙", "甲乙丙戊") == 0.75


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("正确。先进后出。", 1), ("不正确，可以一边进一边出。", -1), ("错误。", -1), ("对。", 1), ("对于这道题要看情况", 0),
        ("单链表不可以，双链表可以", -1), ("Yes, it does.", 1), ("It isn't a conductor.", -1), ("2^(n-1)", 0), ("", 0),
        ("The lamp goes out because the circuit is open, which is not a fault of the lamp.", 0),
    ],
)  # fmt: skip
def test_yes_and_no_at_the_beginning_are_understood(text: str, says: int) -> None:
    assert verdict(text) == says
