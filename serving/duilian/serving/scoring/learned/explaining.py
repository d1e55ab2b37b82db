"""Why a learned model judged as it did, in its own units: levels of its expected mark, asked of the model itself.

Which sentences drove it (each left out once), which labelled answers it is near to (their levels only, nobody's words),
what each missing point of the rubric would bring if it were said too, which named facts fall short, and the fewest of them
whose change would lift the mark by a level. Facts are changed with words and meaning held as they are, so this says what
the model weighs, not what a rewritten answer would get. What is embedded for it is bounded by MOST_UNITS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duilian.serving.contracts import FactGap, Moved, Near, Point, Sentence, Why
from duilian.serving.scoring.learned.facts import Facts
from duilian.serving.scoring.learned.kernel import Rows, Sparse
from duilian.serving.scoring.learned.model import Model, Prediction
from duilian.serving.scoring.learned.observe import Observer
from duilian.serving.scoring.learned.tokens import units
from duilian.serving.scoring.text import as_told

MOST_UNITS = 2000  # of all texts that are embedded together: characters or words, a second or two of one core
PASSAGES = (4, 12)  # that an answer is cut into, whole sentences each: of long ones fewer
MOST_POINTS = 5
SHOWN = 3
NEAREST = 5  # labelled answers
FEWEST = 3  # labelled answers above, to say what they have in common
LEAST_EFFECT = 0.05  # levels
STEPS = 10  # of a change, to find the smallest share that is enough
# What a person can do something about, by name; the first fact is the one that is shown, and the rest move with it.
NAMED: dict[str, tuple[str, ...]] = {
    "points": ("recall_new", "likeness", "recall_1", "recall_2", "recall_long"),
    "order": ("in_order",),
    "terms": ("terms",),
    "focus": ("precision_new", "precision_1", "precision_2", "precision_long"),
    "detail": ("length", "length_ratio", "sentences", "distinct"),
    "own_words": ("from_question", "question_runs", "question_said", "question_likeness"),
    "negation": ("negations_apart", "negations"),
}
LESS = frozenset({"own_words", "negation"})  # is better; of the others more
BESIDE_REFERENCES = frozenset(
    {"points", "order", "terms", "focus", "negation"}
)  # say nothing where there are none
LEAST_CHANGE = 0.02  # of the fact that is shown; smaller ones could not be told apart
_PLACES = {name: [Facts._fields.index(fact) for fact in facts] for name, facts in NAMED.items()}
Row = NDArray[np.float32]  # facts, shape (FACTS,)


@dataclass(frozen=True)
class Asked:
    """One judgement, ready to be asked about. key: of the item, "" where it is unknown; answer, rows: the one answer."""

    model: Model
    observer: Observer
    key: str
    question: str
    references: Sequence[str]
    answer: str
    rows: Rows
    found: Prediction

    def expected(self, facts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of this answer with other facts, shape (len(facts),)."""
        count, grams = len(facts), self.rows.grams
        rows = Rows(
            np.repeat(self.rows.vectors, count, axis=0),
            facts,
            Sparse.of([(grams.places, grams.weights)] * count),
        )
        return np.array([one.expected for one in self.model.judge(self.key, rows)])


def explained(asked: Asked, sentences: Sequence[Sentence], trust: float, points: Sequence[str]) -> Why:
    """sentences: the person's own. trust: the model's share in the judgement, 0-1. points: of the rubric, not said."""
    texts = MOST_UNITS // max(1, sum(len(units(sentence.text)) for sentence in sentences))
    facts, target = asked.rows.facts[0], _target(asked)
    names = _short_in(facts, target, asked.references) if target is not None else []
    gaps = _gaps(asked, facts, target, names) if target is not None else []
    lift, lifted = _lift(asked, facts, target, names) if target is not None else ([], None)
    return Why(
        expected=_short(asked.found.expected),
        spread=_short(asked.found.spread),
        labels=asked.found.labels,
        trust=_short(trust),
        moved=_moved(asked, sentences, texts),
        near=_near(asked),
        points=_points(asked, sentences, points[: min(MOST_POINTS, max(1, texts - len(sentences)))]),
        short_of=gaps,
        lift=lift,
        lifted=lifted,
    )


def _moved(asked: Asked, sentences: Sequence[Sentence], texts: int) -> list[Moved]:
    """How much lower the expected mark is without a passage; its sentences that moved it most, in their order."""
    passages = _passages(sentences, min(PASSAGES[1], max(PASSAGES[0], texts)))
    if len(passages) < 2:
        return []
    left = [
        as_told(asked.answer, [s for other in passages if other is not one for s in other])
        for one in passages
    ]
    rows = asked.observer.read(asked.question, asked.references, left)
    without = [one.expected for one in asked.model.judge(asked.key, rows)]
    effects = [asked.found.expected - mark for mark in without]
    strongest = sorted(range(len(passages)), key=lambda n: (-abs(effects[n]), n))[:SHOWN]
    return [
        Moved(text=sentence.text, offset=sentence.offset, effect=_short(effects[n]))
        for n in sorted(strongest)
        if abs(effects[n]) >= LEAST_EFFECT
        for sentence in passages[n]
    ]


def _passages(sentences: Sequence[Sentence], most: int) -> list[list[Sentence]]:
    """Sentences that follow one another, about as many in each; one each where there are few."""
    return [
        [sentences[n] for n in places]
        for places in np.array_split(range(len(sentences)), most)
        if len(places)
    ]


def _points(asked: Asked, sentences: Sequence[Sentence], points: Sequence[str]) -> list[Point]:
    """Each said at the end of the answer, by itself; what would bring most first."""
    if not points:
        return []
    own = as_told(asked.answer, sentences)
    rows = asked.observer.read(asked.question, asked.references, [f"{own} {point}" for point in points])
    marks = [one.expected for one in asked.model.judge(asked.key, rows)]
    found = [
        Point(text=point, effect=_short(mark - asked.found.expected))
        for point, mark in zip(points, marks, strict=True)
    ]
    return sorted(found, key=lambda point: -point.effect)


def _near(asked: Asked) -> list[Near]:
    """Levels of the labelled answers of the item that it is most alike; nothing of what they say."""
    marks = [max(1, min(5, round(mark))) for mark in asked.model.nearest(asked.key, asked.rows, NEAREST)]
    return [Near(level=level, answers=count) for level, count in sorted(Counter(marks).items())]


def _target(asked: Asked) -> Row | None:
    """Mean facts of labelled answers at least a level above: of the item, else of all; None where too few are known."""
    least = min(asked.model.learned.high, round(asked.found.expected) + 1)
    if asked.found.expected >= asked.model.learned.high - 0.5:
        return None
    for items in ([i for i in asked.model.learned.items if i.key == asked.key], asked.model.learned.items):
        above = [
            fact
            for item in items
            for score, fact in zip(item.scores[: len(item.people)], _facts(item.facts), strict=False)
            if score >= least
        ]
        if len(above) >= FEWEST:
            return np.asarray(np.mean(above, axis=0, dtype=np.float64), np.float32)
    return None


def _facts(octets: bytes) -> NDArray[np.float32]:
    return np.frombuffer(octets, "<f4").reshape(-1, len(Facts._fields))


def _short_in(facts: Row, target: Row, references: Sequence[str]) -> list[str]:
    """Names in which the answer falls short of the target: has less of what is good, or more of what is not."""
    found = list[str]()
    for name, (shown, *_) in _PLACES.items():
        rise = float(target[shown] - facts[shown]) * (-1 if name in LESS else 1)
        if rise >= LEAST_CHANGE and (references or name not in BESIDE_REFERENCES):
            found.append(name)
    return found


def _gaps(asked: Asked, facts: Row, target: Row, names: Sequence[str]) -> list[FactGap]:
    """What would raise the mark by itself, the most first."""
    if not names:
        return []
    marks = asked.expected(np.stack([_moved_to(facts, target, [name]) for name in names]))
    effects = {name: float(mark - asked.found.expected) for name, mark in zip(names, marks, strict=True)}
    best = sorted(effects, key=lambda name: (-effects[name], name))
    return [_gap(name, facts, target, effects[name]) for name in best if effects[name] >= LEAST_EFFECT]


def _lift(asked: Asked, facts: Row, target: Row, names: Sequence[str]) -> tuple[list[FactGap], float | None]:
    """The fewest changes that lift the mark by a level, found one after the other, then the smallest share of them; and
    what it comes to. Where all of them together are not enough they stand with what they come to."""
    goal = min(asked.model.learned.high, asked.found.expected + 1)
    chosen, mark = list[str](), asked.found.expected
    while mark < goal and (rest := [name for name in names if name not in chosen]):
        tried = asked.expected(np.stack([_moved_to(facts, target, [*chosen, name]) for name in rest]))
        best = int(np.argmax(tried))
        if tried[best] < mark + LEAST_EFFECT:
            break
        chosen, mark = [*chosen, rest[best]], float(tried[best])
    if not chosen:
        return [], None
    shares = np.linspace(1 / STEPS, 1, STEPS)
    marks = asked.expected(np.stack([_moved_to(facts, target, chosen, share) for share in shares]))
    enough = int(np.argmax(marks >= goal)) if (marks >= goal).any() else STEPS - 1
    changed = _moved_to(facts, target, chosen, float(shares[enough]))
    return [_gap(name, facts, changed, 0.0) for name in chosen], _short(float(marks[enough]))


def _moved_to(facts: Row, target: Row, names: Sequence[str], share: float = 1.0) -> Row:
    places = [place for name in names for place in _PLACES[name]]
    changed = facts.copy()
    changed[places] += np.float32(share) * (target[places] - facts[places])
    return changed


def _gap(name: str, facts: Row, wanted: Row, effect: float) -> FactGap:
    place = _PLACES[name][0]
    return FactGap(
        fact=name,
        value=_short(float(facts[place])),
        wanted=_short(float(wanted[place])),
        effect=_short(effect),
    )


def _short(value: float) -> float:
    return round(value, 3) + 0.0  # never −0.0
