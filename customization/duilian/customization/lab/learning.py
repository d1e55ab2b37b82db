"""Learning a model from labelled lines: read the answers, find the hyperparameters, pack the artefact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from duilian.customization.lab.hyper import fit_hyper
from duilian.customization.lab.lines import Line
from duilian.infra.errors import Unprocessable
from duilian.serving.scoring.learned.model import Labels, Learned, labels_of
from duilian.serving.scoring.learned.observe import Observer

MOST_MARKS = 12  # different marks; above it the scale is taken to be continuous
MOST_LABELS = 1200  # of one item; the rest of its labels is left out, the newest are kept


class NothingToLearn(Unprocessable):
    code = "nothing-to-learn"
    zh = "没有可用于训练的评分：至少需要 {least} 条带 score 的数据，现有 {found} 条。"
    en = "There is nothing to learn from: at least {least} lines with a score are needed, {found} were found."


class OneMark(Unprocessable):
    code = "one-mark"
    zh = "所有评分都是 {mark}，无法学习差别。请加入其他分数的数据。"
    en = "Every score is {mark}, so there is no difference to learn. Add answers with other scores."


LEAST = 5


def learn(
    lines: Sequence[Line],
    observer: Observer,
    encoder: dict[str, str],
    competency: str = "",
    industry: Sequence[Line] = (),
    scale: Sequence[float] = (),
) -> Learned:
    """A model of all items with labels. encoder: its name and version; competency: of a tenant's head. industry: marked answers of
    the industry pack, on the same scale; questions without labels are judged by them too. scale: the marks there are, where others than those of the lines may be given. Raises
    NothingToLearn, OneMark.
    """
    marked = [line for line in lines if line.score is not None]
    if len(marked) < LEAST:
        raise NothingToLearn(least=LEAST, found=len(marked))
    scores = sorted({line.score for line in marked if line.score is not None})
    if len(scores) == 1:
        raise OneMark(mark=scores[0])
    scores = list(scale) or scores
    low, high = scores[0], scores[-1]
    others = by_item(industry)
    items = [
        _labels(key, group, _of_the_same(group, others), observer, low, high)
        for key, group in sorted(by_item(marked).items())
    ]
    marks = scores if len(scores) <= MOST_MARKS else []
    (name, version), *_ = encoder.items()
    hyper = fit_hyper(items, marks, low, high)
    return Learned(
        competency=competency,
        encoder=name,
        encoder_version=version,
        scale=marks,
        low=low,
        high=high,
        hyper=hyper,
        items=items,
        industry=[_labels(key, [], group, observer, low, high) for key, group in sorted(others.items())],
    )


def by_item(lines: Sequence[Line]) -> dict[str, list[Line]]:
    groups: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.item].append(line)
    return groups


def _of_the_same(lines: list[Line], others: dict[str, list[Line]]) -> list[Line]:
    """The industry's answers to the same question, taken out of all of its answers."""
    asked = lines[0].question
    key = next((key for key, group in sorted(others.items()) if asked and group[0].question == asked), "")
    return others.pop(key, [])


def _labels(
    key: str, lines: list[Line], industry: list[Line], observer: Observer, low: float, high: float
) -> Labels:
    """With examples that no reader of the company marked: a reference deserves the highest mark, the question read back
    or silence the lowest, and the industry's answers what the pack says."""
    kept = lines[-MOST_LABELS:]
    said = {line.answer for line in kept}  # a good answer is a reference for others, never for itself
    first = (kept or industry)[0]
    question, references = first.question, [text for text in first.reference if text not in said]
    blank = ["", question] if question else [""]
    texts = [*(line.answer for line in kept), *references, *blank, *(line.answer for line in industry)]
    scores = [*(target(line) for line in kept), *[high] * len(references), *[low] * len(blank)]
    scores += [min(max(target(line), low), high) for line in industry]
    rows = observer.read(question, references, texts)
    return labels_of(key, question, references, rows, scores, [line.person for line in kept])


def target(line: Line) -> float:
    """What is to be predicted: the reader's mark, the mean of both where two read it."""
    assert line.score is not None
    return line.score if line.second_score is None else (line.score + line.second_score) / 2
