"""How well learned heads agree with readers, against the two scorers one would build first.

Peers, on the same folds, draws and items: character TF-IDF with ridge regression, and multilingual-e5 with ridge regression
(both from scikit-learn, rounded to the scale; the strength of the penalty chosen by leave-one-out). One model an item; for
items without labels one model of all others, which also sees how alike answer and references are.

Data: a folder with `short_answers_zh/ads_train.jsonl` and `short_answers_en/semeval-3way.zip`, as their publishers lay them
out. Nothing here is fitted to them: run it on other folders.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from peers.ridge import (
    alike_characters,
    alike_meaning,
    characters,
    drawn,
    meaning,
    ridge,
    strangers,
    ten_fold,
)

from duilian.customization.lab.evaluation import (
    Agreement,
    Point,
    agreement,
    cross_validated,
    curve,
    evaluate,
    unseen_items,
)
from duilian.customization.lab.judging import Judged
from duilian.customization.lab.learning import by_item, learn
from duilian.customization.lab.lines import Line
from duilian.customization.lab.vectors import Vectors
from duilian.customization.measurement.results import Estimate
from duilian.customization.measurement.review import curve as review_curve
from duilian.infra.settings import load
from duilian.serving.scoring.learned.model import Model
from duilian.serving.scoring.learned.observe import Observer

LABELS = [10, 20, 25, 50, 100, 200]
MARKS = {"contradictory": 0, "incorrect": 1, "correct": 2}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the data")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-english", action="store_true")
    given = parser.parse_args()
    if given.data is None or not given.data.is_dir():
        print("Nothing measured: name a folder of labelled answers with --data (make bench DATA=folder).")
        return 0
    vectors = Vectors(load())
    chinese(given.data / "short_answers_zh" / "ads_train.jsonl", vectors, given.repeats)
    if not given.no_english:
        english(given.data / "short_answers_en" / "semeval-3way.zip", vectors)
    return 0


def chinese(path: Path, vectors: Vectors, repeats: int) -> None:
    lines = list(chinese_lines(path))
    began = time.monotonic()
    read(vectors, lines)
    print(f"{len(lines)} answers to {len(by_item(lines))} items; vectors in {time.monotonic() - began:.0f} s")
    observer = Observer(vectors)
    began = time.monotonic()
    learn(lines, observer, vectors.encoder)
    print(f"learning from {len(lines)} labels: {time.monotonic() - began:.1f} s (goal: 1,000 in 60 s)")
    pairs = cross_validated(lines, observer, vectors.encoder)
    ours = agreement(pairs)
    show("ours, ten-fold", ours, "goal 0.75 mean")
    peers = {"TF-IDF + ridge": characters, "e5 + ridge": meaning(vectors)}
    for name, features in peers.items():
        show(name, agreement(ten_fold(lines, features)), "")
    for point in curve(lines, LABELS, observer, vectors.encoder, repeats=repeats):
        goal = " (goal 0.60 mean)" if point.labels == 20 else ""
        print(f"  {said(point)}, 90 % interval holds {text(point.covered)}{goal}")
        for name, features in peers.items():
            print(f"    {name}: {said(drawn(lines, point.labels, features, repeats))}")
    show("unseen items", agreement(unseen_items(lines, observer, vectors.encoder)), "goal 0.60 pooled")
    for name, described in (("TF-IDF + ridge", alike_characters), ("e5 + ridge", alike_meaning(vectors))):
        show(f"unseen items, {name}", agreement(strangers(lines, described)), "")
    review(pairs)


def review(pairs: list[tuple[Line, Judged]]) -> None:
    kept = [(line, judged) for line, judged in pairs if judged.score is not None]
    truth = np.array([line.score for line, _ in kept])
    scores = np.array([judged.score for _, judged in kept])
    doubt = np.array([judged.standard_error for _, judged in kept])
    found = review_curve(truth, scores, doubt, np.unique(truth))
    print(
        f"  a fifth reviewed: {text(found.gain20)} more (goal 0.06), {text(found.over_random20)} over chance"
    )


def english(path: Path, vectors: Vectors) -> None:
    for corpus in ("beetle", "sciEntsBank"):
        train = list(english_lines(path, f"training/3way/{corpus}/"))
        test = list(english_lines(path, f"test/3way/{corpus}/test-unseen-answers/"))
        read(vectors, [*train, *test])
        observer = Observer(vectors)
        began = time.monotonic()
        model = Model(learn(train, observer, vectors.encoder))
        seconds = time.monotonic() - began
        found = evaluate(model, test, observer)
        print(
            f"SemEval {corpus}, unseen answers: macro-F1 {text(found.macro_f1)} (goal 0.70),"
            f" {len(train)} labels learned in {seconds:.1f} s"
        )
        for name, features in (("TF-IDF + ridge", characters), ("e5 + ridge", meaning(vectors))):
            print(f"    {name}: macro-F1 {text(agreement(ridge(train, test, features)).macro_f1)}")


def show(name: str, found: Agreement, goal: str) -> None:
    print(
        f"{name}: mean QWK {text(found.mean_qwk)}, pooled {text(found.pooled_qwk)}, exact {text(found.exact)},"
        f" 90 % interval holds {text(found.covered)}" + (f" ({goal})" if goal else "")
    )


def text(found: Estimate) -> str:
    if found.value is None:
        return f"none ({found.reason}, n = {found.n})"
    ends = "" if found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.value:.3f}{ends}"


def said(point: Point) -> str:
    return (
        f"{point.labels or 'all'} labels an item ({point.items} items): mean {text(point.mean_qwk)},"
        f" pooled {text(point.pooled_qwk)}"
    )


def read(vectors: Vectors, lines: list[Line]) -> None:
    vectors.read([words for line in lines for words in (line.question, *line.reference, line.answer)])


def chinese_lines(path: Path) -> Iterator[Line]:
    for row in path.read_text().splitlines():
        fields = json.loads(row)
        references = [fields[f"reference{n}"].strip() for n in (1, 2, 3)]
        yield Line(
            item=fields["q_id"], question=fields["question"].strip(), reference=[r for r in references if r],
            answer=fields["answer"].strip(), score=float(fields["score"]),
        )  # fmt: skip


def english_lines(path: Path, folder: str) -> Iterator[Line]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(folder) and name.endswith(".xml"):
                yield from _english(ET.fromstring(archive.read(name)))


def _english(root: ET.Element) -> Iterator[Line]:
    question = (root.findtext(".//questionText") or "").strip()
    references = [(node.text or "").strip() for node in root.iter("referenceAnswer")]
    for node in root.iter("studentAnswer"):
        yield Line(
            item=root.attrib["id"], question=question, reference=references, answer=(node.text or "").strip(),
            score=MARKS[node.attrib["accuracy"]],
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
