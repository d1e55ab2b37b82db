"""What can be said of any answer beside its item's question and references: numbers that mean the same everywhere.

They carry what is learned from one item to the next, so each has a name and can be shown to a person.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from duilian.serving.scoring.learned.tokens import negations, runs, sentences, units, verdict

Vector = NDArray[np.float32]  # shape (dimension,), length 1
MOST_COMPARED = 200  # units of each text in the search for a common subsequence
_TERM = re.compile(r"\d+|[a-z]{2,}")


class Facts(NamedTuple):
    """Shares are 0–1, likenesses cosines of centred vectors. `reference` is the one that the answer is nearest to."""

    likeness: float  # answer and reference as wholes
    precision_1: float  # units of the answer that stand in the reference
    recall_1: float  # units of the reference that stand in the answer
    precision_2: float  # the same for runs of two
    recall_2: float
    precision_long: float  # and of three and four
    recall_long: float
    precision_new: float  # runs of the reference that the question does not give away
    recall_new: float
    length_ratio: float  # logarithm of the answer's length by the reference's
    in_order: float  # longest common subsequence, as a share of the reference
    from_question: float  # units of the answer that stand in the question
    question_runs: float  # the same for runs of two and three
    question_said: float  # and the share of the question's runs that the answer repeats
    length: float  # logarithm of the number of units
    negations: float  # at most three
    negations_apart: float  # from the reference with fewest, at most three
    terms: float  # numbers and Latin words of the references that stand in the answer
    distinct: float  # units that differ, of all units
    question_likeness: float
    sentences: float
    verdict: float  # 1 where it says yes or no as the references do, -1 where it says the opposite, 0 where either says neither


FACTS = len(Facts._fields)


@dataclass(frozen=True)
class Text:
    """A text with its vector, centred on unrelated sentences."""

    text: str
    vector: Vector


@dataclass(frozen=True)
class Item:
    """What an answer stands beside. Without references the question stands for one."""

    question: Text
    references: list[Text]


def facts_of(answer: Text, item: Item) -> NDArray[np.float32]:
    """Shape (FACTS,), in the order of `Facts`."""
    sides = [
        _beside(answer, reference, item.question.text) for reference in item.references or [item.question]
    ]
    best = max(sides, key=lambda side: side[0] + side[4] + side[8])
    return np.array(Facts(*best, *_alone(answer, item)), np.float32)


def _beside(answer: Text, reference: Text, question: str) -> list[float]:
    """The first eleven facts."""
    said, wanted = answer.text, reference.text
    given_away = runs(question, 1, 3)
    new = Counter({run: n for run, n in runs(wanted, 1, 3).items() if run not in given_away})
    ratio = (len(units(said)) + 5) / (len(units(wanted)) + 5)
    return [
        float(answer.vector @ reference.vector),
        *shared(runs(said, 1, 1), runs(wanted, 1, 1)),
        *shared(runs(said, 2, 2), runs(wanted, 2, 2)),
        *shared(runs(said, 3, 4), runs(wanted, 3, 4)),
        *shared(runs(said, 1, 3), new),
        float(np.log(ratio)),
        in_order(said, wanted),
    ]


def _alone(answer: Text, item: Item) -> list[float]:
    """The last eleven."""
    said, question = answer.text, item.question.text
    found, terms = set(_TERM.findall(said.lower())), _terms(item)
    nays = negations(said)
    expected = min((negations(r.text) for r in item.references), default=0)
    return [
        shared(runs(said, 1, 1), runs(question, 1, 1))[0],
        *shared(runs(said, 2, 3), runs(question, 2, 3)),
        float(np.log(len(units(said)) + 1)),
        min(3, nays),
        min(3, abs(nays - expected)),
        len(found & terms) / max(1, len(terms)),
        len(set(units(said))) / max(1, len(units(said))),
        float(answer.vector @ item.question.vector),
        len(sentences(said)),
        _verdict(said, item),
    ]


def _verdict(said: str, item: Item) -> float:
    given = [one for one in (verdict(reference.text) for reference in item.references) if one]
    return verdict(said) * sum(given) / len(given) if given else 0.0


def _terms(item: Item) -> set[str]:
    return {term for reference in item.references for term in _TERM.findall(reference.text.lower())}


def shared(mine: Counter[tuple[str, ...]], theirs: Counter[tuple[str, ...]]) -> tuple[float, float]:
    """Precision and recall of `mine` against `theirs`, with counts."""
    if not mine or not theirs:
        return 0.0, 0.0
    common = sum(min(count, theirs[run]) for run, count in mine.items() if run in theirs)
    return common / mine.total(), common / theirs.total()


def in_order(text: str, wanted: str) -> float:
    """Length of the longest common subsequence of units, as a share of `wanted`."""
    mine, theirs = units(text)[:MOST_COMPARED], np.array(units(wanted)[:MOST_COMPARED])
    if not mine or not len(theirs):
        return 0.0
    lengths = np.zeros(len(theirs) + 1, np.int64)
    for unit in mine:
        longer = np.where(theirs == unit, lengths[:-1] + 1, 0)
        lengths[1:] = np.maximum.accumulate(np.maximum(lengths[1:], longer))
    return float(lengths[-1] / len(theirs))
