"""Judging one answer: per competency a distribution over BARS levels 1–5, the quotes it rests on, what is missing.

Without labels of the tenant the level is inferred from what the answer contains: likeness of its sentences to
anchors (centred and measured against unrelated sentences), contrast between effective and ineffective anchors,
keywords per level, STAR structure and specificity. The weights below are set by hand from the BARS literature
(Smith & Kendall 1963; Latham & Wexley 1977: concrete own behaviour with a result) and are the reason why such a
score is called provisional. Everything is arithmetic on fixed weights: the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Literal, Protocol

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from duilian.serving.contracts import (
    AnswerText,
    Aside,
    CompetencyProfile,
    Judgement,
    Language,
    Quote,
    ScoreRequest,
    ScoreResponse,
    Sentence,
    StarPart,
    Why,
)
from duilian.serving.errors import AdapterBroken
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.scoring.artefact import AnyHead, HeadBroken, LearnedHead
from duilian.serving.scoring.aside import Sieve
from duilian.serving.scoring.background import BACKGROUND
from duilian.serving.scoring.learned.explaining import Asked, explained
from duilian.serving.scoring.learned.model import Model, Prediction
from duilian.serving.scoring.learned.observe import Observer
from duilian.serving.scoring.levels import level_posterior, mean_and_spread
from duilian.serving.scoring.points import points, unsaid
from duilian.serving.scoring.procedure import named
from duilian.serving.scoring.similarity import Calibrated
from duilian.serving.scoring.star import star_parts
from duilian.serving.scoring.text import (
    as_told,
    keyword_hits,
    overlap,
    specificity,
    split_sentences,
    units,
)

VERSION = "cold-start-3"
RELEVANT = 2.2  # z-value from which a sentence speaks of a competency
MOST_QUOTES = 3
NEAR = 1.25  # levels: how far an anchor may lie from the level that the whole answer was judged to have
SPREAD = 0.85  # standard deviation, in levels, of a judgement on full evidence
STRETCH = 1.3
THIN_SPREAD = 1.25  # the same on hardly any evidence

Z = NDArray[np.float64]


class Embedder(Protocol):
    """Sentence vectors: float32, shape (texts, dimension), rows of length 1."""

    @property
    def versions(self) -> dict[str, str]: ...

    def embed(self, texts: list[str], kind: Literal["query", "passage"]) -> NDArray[np.float32]: ...


class Adapted(Protocol):
    """Gives the encoder with a tenant's adapter. Raises AdapterBroken."""

    def reading(self, adapter: Adapter) -> Embedder: ...


class Reading:
    """An answer, read once for all its competencies."""

    def __init__(
        self, answer: AnswerText, language: Language, rubric: list[CompetencyProfile], embedder: Embedder
    ) -> None:
        self.answer = answer
        self.language: Language = language
        self._embedder = embedder
        sentences = answer.sentences or split_sentences(answer.text)
        shown = [answer.question, *answer.others]
        own, self.aside = Sieve(shown, answer.leaked, rubric, language).sort(sentences)
        self.question_overlap = max(overlap(answer.text, question, language) for question in shown)
        self.calibrated = Calibrated.of(embedder.embed(list(BACKGROUND[language]), "query"))
        asked = [c for c in rubric if c.key in answer.competencies]
        targets = self.place([answer.question, *(a.text for c in asked for a in c.anchors)])
        placed = self.place([s.text for s in own])
        self.on_topic = self.calibrated.nearness(placed, targets) if asked else 0.0
        related = self.calibrated.related(placed, targets)
        self.own = [s for s, near in zip(own, related, strict=True) if near]
        self.aside += [
            Aside(text=s.text, offset=s.offset, reason="unrelated")
            for s, near in zip(own, related, strict=True)
            if not near
        ]
        self.vectors = placed[related]
        self.focus = min(1.0, 2 * len(self.own) / len(own)) if own else 0.0
        self.star = star_parts(self.own, language)
        own_text = " ".join(s.text for s in self.own)
        self.specificity = specificity(own_text, language)
        self.length = len(units(own_text, language))
        asks = answer.procedure
        self.procedure = named(asks, self.own, language, self.calibrated, self.place) if asks else None

    def place(self, texts: list[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, len(self.calibrated.centre)), dtype=np.float32)
        return self.calibrated.place(self._embedder.embed(texts, "query"))

    @property
    def features(self) -> NDArray[np.float32]:
        """The answer as a head reads it (artefact.py), shape (dimension + 3,)."""
        mean = self.vectors.mean(axis=0) if len(self.vectors) else np.zeros_like(self.calibrated.centre)
        return np.append(mean, [self.specificity, self.structure, self.fullness]).astype(np.float32)

    @property
    def structure(self) -> float:
        """STAR completeness, 0–1."""
        return sum(part is not None for part in self.star.values()) / 4

    @property
    def fullness(self) -> float:
        """How much was said, 0–1: half at 60 characters (zh) or 45 words (en)."""
        half = 60 if self.language == "zh" else 45
        return self.length / (self.length + half)


def score(
    request: ScoreRequest,
    embedder: Embedder,
    heads: Mapping[str, AnyHead] | None = None,
    adapted: Adapted | None = None,
) -> ScoreResponse:
    """Judge the answer against every competency it was asked for.

    heads: models of the tenant's own, by competency. What counts as evidence stays with the cold start: a head
    says which level the evidence shows, never that there is any. adapted: for heads with an adapter of their own.
    Raises HeadBroken on one for another encoder.
    """
    answer = request.answer
    reading = Reading(answer, request.language, request.competencies, embedder)
    wanted = [c for c in request.competencies if c.key in answer.competencies]
    judge_one = judge if reading.on_topic >= answer.off_topic else _nothing
    judgements = [judge_one(reading, competency) for competency in wanted]
    used = {c.key: heads[c.key] for c in wanted if heads and c.key in heads}
    readers = {key: _reader(head, embedder, adapted) for key, head in used.items()}
    return ScoreResponse(
        judgements=[
            _by_head(
                judged,
                reading,
                competency,
                used.get(competency.key),
                readers.get(competency.key, embedder),
                explain=request.explain,
            )
            for judged, competency in zip(judgements, wanted, strict=True)
        ],
        star=reading.star,
        specificity=round(reading.specificity, 4),
        question_overlap=round(reading.question_overlap, 4),
        on_topic=round(reading.on_topic, 4),
        set_aside=reading.aside,
        procedure=reading.procedure,
        versions={"scorer": VERSION, **embedder.versions} | _versions(used, readers),
    )


def _reader(head: AnyHead, embedder: Embedder, adapted: Adapted | None) -> Embedder:
    """What reads answers for the head: the encoder of all, or the one that its adapter is for. Raises HeadBroken."""
    if not isinstance(head, LearnedHead) or head.adapter is None:
        return embedder
    if adapted is None:
        raise HeadBroken(sha256=head.sha256[:12], reason="it reads with an adapter, and there is none here")
    try:
        return adapted.reading(head.adapter)
    except AdapterBroken as problem:
        raise HeadBroken(sha256=head.sha256[:12], reason=problem.sentence("en")) from problem


def _versions(used: Mapping[str, AnyHead], readers: Mapping[str, Embedder]) -> dict[str, str]:
    """Of the heads, and of what reads for them."""
    found = {f"head:{competency}": head.sha256[:12] for competency, head in used.items()}
    for competency, reader in readers.items():
        adapter = reader.versions.get("adapter")
        found |= {f"adapter:{competency}": adapter} if adapter else {}
        found |= {name: version for name, version in reader.versions.items() if name != "adapter"}
    return found


def _by_head(
    judgement: Judgement,
    reading: Reading,
    competency: CompetencyProfile,
    head: AnyHead | None,
    embedder: Embedder,
    *,
    explain: bool,
) -> Judgement:
    if head is None:
        return judgement
    if not head.made_for.items() <= embedder.versions.items():
        raise HeadBroken(
            sha256=head.sha256[:12], reason=f"it was made for {head.made_for}, not {embedder.versions}"
        )
    if head.competency != judgement.competency:
        raise HeadBroken(sha256=head.sha256[:12], reason=f"it judges {head.competency}")
    if judgement.outcome != "scored":
        return judgement
    why: Why | None = None
    if isinstance(head, LearnedHead):
        posterior, asked = by_learned(judgement.posterior, reading, competency, head.model, embedder)
        why = _why(asked, reading, competency, judgement.posterior) if explain else None
    elif head.size != len(reading.features):
        raise HeadBroken(
            sha256=head.sha256[:12], reason=f"it reads {head.size} numbers, not {len(reading.features)}"
        )
    else:
        posterior = head.posterior(reading.features)
    return structs.replace(judgement, posterior=[round(p, 6) for p in posterior], why=why)


def by_learned(
    first: list[float], reading: Reading, competency: CompetencyProfile, model: Model, embedder: Embedder
) -> tuple[list[float], Asked]:
    """The cold start's posterior and the model's, each weighed by how sure it is: with few labels the first speaks,
    with many the second, and no label makes a jump. And what the model was asked, so that it can be asked why."""
    known = model.item_of(reading.answer.question)
    references = known.references if known else _references(reading.answer, competency)
    observer = Observer(lambda texts: embedder.embed(texts, "query"))
    own = as_told(reading.answer.text, reading.own)  # as it was learned, where nothing was set aside
    rows = observer.read(reading.answer.question, references, [own])
    key = known.key if known else ""
    found = model.judge(key, rows)[0]
    mean, spread = mean_and_spread(first)
    mean = min(5.0, max(1.0, mean + model.learned.offset))
    trust = _trust(first, found)
    apart = spread * found.spread / sqrt(spread**2 + found.spread**2)  # were their errors independent
    together = apart * model.learned.joint
    asked = Asked(model, observer, key, reading.answer.question, references, reading.answer.text, rows, found)
    return level_posterior((1 - trust) * mean + trust * found.expected, together), asked


def _trust(first: list[float], found: Prediction) -> float:
    """The model's share in the judgement, 0–1."""
    _, spread = mean_and_spread(first)
    return spread**2 / (spread**2 + found.spread**2)


def _why(asked: Asked, reading: Reading, competency: CompetencyProfile, first: list[float]) -> Why:
    own = " ".join(sentence.text for sentence in reading.own)
    placed = reading.place(points(competency, reading.language))
    missing = unsaid(competency, reading.language, own, reading.vectors, reading.calibrated, placed)
    return explained(asked, reading.own, _trust(first, asked.found), missing)


def _references(answer: AnswerText, competency: CompetencyProfile) -> list[str]:
    """As labels of the item would have them."""
    asks = answer.procedure
    steps = asks.steps if asks and asks.competency == competency.key else []
    return [a.text for a in competency.anchors if a.level >= 4] + (
        ["。".join(step.text for step in steps)] if steps else []
    )


def judge(reading: Reading, competency: CompetencyProfile) -> Judgement:
    anchors = competency.anchors
    sentences = reading.own
    strength = reading.calibrated.strength(reading.vectors, reading.place([a.text for a in anchors]))
    quotes = _quotes(sentences, strength, competency, reading.language)
    if not quotes:
        return _nothing(reading, competency)
    mean = _latent_level(reading, competency, sentences, strength)
    quotes = _quotes(sentences, strength, competency, reading.language, near=mean)
    weight = min(1.0, sum(q.strength for q in quotes) / 2)
    spread = THIN_SPREAD + (SPREAD - THIN_SPREAD) * weight * reading.fullness
    return Judgement(
        competency=competency.key,
        outcome="scored",
        posterior=[round(p, 6) for p in level_posterior(mean, spread)],
        weight=round(weight, 4),
        quotes=quotes,
    )


def _nothing(_reading: Reading, competency: CompetencyProfile) -> Judgement:
    """No evidence: an outcome of its own."""
    return Judgement(competency=competency.key, outcome="no_evidence", posterior=[], weight=0.0, quotes=[])


def _quotes(
    sentences: list[Sentence],
    strength: Z,
    competency: CompetencyProfile,
    language: Language,
    near: float | None = None,
) -> list[Quote]:
    """The sentences that speak of the competency, each with the anchor it is nearest to.

    near: name anchors of about this level only; single sentences are too short to tell levels apart.
    """
    found: list[Quote] = []
    for row, sentence in enumerate(sentences):
        support = strength[row] + [
            0.9 * len(keyword_hits(sentence.text, anchor.keywords, language)) for anchor in competency.anchors
        ]
        best = int(np.argmax(support))
        if support[best] >= RELEVANT and len(units(sentence.text, language)) >= 4:
            allowed = [
                i for i, a in enumerate(competency.anchors) if near is None or abs(a.level - near) <= NEAR
            ]
            anchor = competency.anchors[max(allowed, key=lambda i: support[i])]
            firmness = float(1 / (1 + np.exp(-(support[best] - RELEVANT - 0.8))))
            found.append(
                Quote(
                    text=sentence.text,
                    offset=sentence.offset,
                    level=anchor.level,
                    anchor=anchor.text,
                    strength=round(firmness, 4),
                )
            )
    found.sort(key=lambda quote: (-quote.strength, quote.offset))
    return sorted(found[:MOST_QUOTES], key=lambda quote: quote.offset)


def _latent_level(
    reading: Reading, competency: CompetencyProfile, sentences: list[Sentence], strength: Z
) -> float:
    """The expected level on a continuous scale; 1–5 after clipping."""
    levels = np.array([a.level for a in competency.anchors])
    effective = strength[:, levels >= 4].max(axis=1)
    ineffective = strength[:, levels <= 2].max(axis=1)
    weights = np.maximum(strength.max(axis=1), 0.05)
    contrast = float(np.average(effective - ineffective, weights=weights))
    text = " ".join(s.text for s in sentences)
    hits = [a.level for a in competency.anchors for _ in keyword_hits(text, a.keywords, reading.language)]
    good, poor = sum(level >= 3 for level in hits), sum(level <= 2 for level in hits)
    level = (
        1.15
        + 0.55 * np.tanh(contrast)
        + reading.focus * (1.30 * reading.specificity + 0.95 * reading.structure + 1.00 * reading.fullness)
        + 0.22 * min(good, 4)
        - 0.55 * min(poor, 3)
    )
    if reading.procedure and reading.procedure.competency == competency.key:
        level += reading.procedure.effect / STRETCH
    # Stretched about the middle: the raw sum uses only part of the scale.
    return float(np.clip(3.0 + STRETCH * (level - 2.55), 1.0, 5.0))


__all__ = ["VERSION", "Embedder", "StarPart", "judge", "score"]
