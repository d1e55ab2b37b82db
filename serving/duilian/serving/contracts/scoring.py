"""Messages about scores: the answer and its rubric, judgements with their evidence and their reasons."""

from __future__ import annotations

from typing import Literal

import msgspec

from duilian.serving.contracts.base import Contract, Language
from duilian.serving.contracts.speech import Sentence


class Anchor(Contract, frozen=True, kw_only=True):
    """A behavioural anchor of a BARS level, with the words that tend to carry it."""

    level: int  # 1–5
    text: str
    keywords: list[str]


class CompetencyProfile(Contract, frozen=True, kw_only=True):
    key: str
    name: str
    anchors: list[Anchor]


class ProcedureStep(Contract, frozen=True, kw_only=True):
    """safety: leaving it out endangers somebody."""

    key: str
    text: str
    keywords: list[str] = msgspec.field(default_factory=list[str])
    safety: bool = False


class Procedure(Contract, frozen=True, kw_only=True):
    """What is to be done, in order. competency: whose level it bears on."""

    competency: str
    steps: list[ProcedureStep]


class AnswerText(Contract, frozen=True, kw_only=True):
    """One answer to be judged. question: what was asked; others: the other questions of the interview.

    An answer that reads any of them back shows nothing. leaked: answers the tenant knows to be passed around.
    off_topic: under this `on_topic` there is no evidence. procedure: where the question asks for one.
    """

    key: str
    question: str
    text: str
    sentences: list[Sentence]
    competencies: list[str]
    others: list[str] = msgspec.field(default_factory=list[str])
    leaked: list[str] = msgspec.field(default_factory=list[str])
    off_topic: float = 0.4
    procedure: Procedure | None = None


class HeadWanted(Contract, frozen=True, kw_only=True):
    """A tenant's own model for a competency, by the sha256 of its artefact (scoring/artefact.py).

    artefact: its bytes, where the tier asked for them (409 "artefact-needed"); empty otherwise.
    """

    competency: str
    sha256: str
    artefact: bytes = b""


class ScoreRequest(Contract, frozen=True, kw_only=True):
    """Judge one answer against the competencies it was asked for; `competencies` is the whole rubric.

    heads: models of the tenant's own that judge instead of the cold start; tenant: whose they are. explain: whether learned
    ones are asked why (Judgement.why), which takes longer than judging; scores are the same either way.
    """

    language: Language
    answer: AnswerText
    competencies: list[CompetencyProfile]
    tenant: str = ""
    heads: list[HeadWanted] = msgspec.field(default_factory=list[HeadWanted])
    explain: bool = False


class Quote(Contract, frozen=True, kw_only=True):
    """Words of the answer, verbatim: text == answer.text[offset : offset + len(text)]."""

    text: str
    offset: int
    level: int
    anchor: str
    strength: float  # 0–1, how firmly the quote carries the anchor


AsideReason = Literal[
    "addressed", "foreign", "leaked", "recited", "listed", "general", "repeated", "unrelated"
]


class Aside(Contract, frozen=True, kw_only=True):
    """Words of the answer, verbatim, that were not read as evidence, and why."""

    text: str
    offset: int
    reason: AsideReason


StarPart = Literal["situation", "task", "action", "result"]


class Moved(Contract, frozen=True, kw_only=True):
    """A sentence of the answer, verbatim. effect: levels that the model's mark is lower without it; of long answers, without
    the passage that it stands in."""

    text: str
    offset: int
    effect: float


class Near(Contract, frozen=True, kw_only=True):
    """How many of the labelled answers that this one is most alike have the level; who gave them is nobody's business."""

    level: int
    answers: int


class Point(Contract, frozen=True, kw_only=True):
    """A clause of the rubric's anchors 4–5, verbatim, that no sentence speaks of. effect: levels that the model's mark would
    be higher, were it said too."""

    text: str
    effect: float


class FactGap(Contract, frozen=True, kw_only=True):
    """fact: a name of `learned.explaining.NAMED`. value: of this answer; wanted: of labelled answers a level above, or what
    would do. effect: levels that this alone would bring, 0 where it was asked together with others."""

    fact: str
    value: float
    wanted: float
    effect: float


class Why(Contract, frozen=True, kw_only=True):
    """What a judgement by a learned model rests on, in levels. expected, spread: what the model itself says.

    labels: of this question. trust: the model's share in the judgement, 0–1; the rubric has the rest. points: what
    would bring most first. short_of: facts that fall short. lift: changes of facts that together bring the mark to
    `lifted`, a level more if that can be reached; None where nothing is known that would.
    """

    expected: float
    spread: float
    labels: int
    trust: float
    moved: list[Moved]
    near: list[Near]
    points: list[Point]
    short_of: list[FactGap]
    lift: list[FactGap]
    lifted: float | None


class Said(Contract, frozen=True, kw_only=True):
    """Words of the answer, verbatim, at their place."""

    text: str
    offset: int


class Opinion(Contract, frozen=True, kw_only=True):
    """What a language model said of a competency (`scoring.opinion`), whole, so that nobody need ask it again.

    outcome: used (it moved the posterior), apart (too far from the scorer's level: a person looks), aside (something of
    the answer was set aside), none (`code` says why there is no judgement of it). level 1–5, None with "none". because:
    its own sentence, shown to nobody who decides. spread: levels, what it is taken to be off by; labels: answers that
    people marked too, from which that is known. before: the posterior without it.
    """

    outcome: Literal["used", "apart", "aside", "none"]
    code: str = ""
    level: int | None = None
    quotes: list[Said] = msgspec.field(default_factory=list[Said])
    because: str = ""
    spread: float | None = None
    labels: int = 0
    before: list[float] = msgspec.field(default_factory=list[float])
    versions: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Judgement(Contract, frozen=True, kw_only=True):
    """What one answer shows of one competency.

    posterior: probabilities of levels 1–5 (sum 1), empty where there is no evidence.
    weight: how much the answer has to say on it (0–1), used when answers are pooled. why: where a learned model took part
    and was asked. opinion: where a language model was asked.
    """

    competency: str
    outcome: Literal["scored", "no_evidence"]
    posterior: list[float]
    weight: float
    quotes: list[Quote]
    why: Why | None = None
    opinion: Opinion | None = None


class StepSaid(Contract, frozen=True, kw_only=True):
    """quote: the clause that names the step, verbatim, at `offset`; None where none does. at: where in it, for the order."""

    key: str
    quote: str | None = None
    offset: int | None = None
    at: int | None = None


class ProcedureFound(Contract, frozen=True, kw_only=True):
    """coverage: share of the steps that are named; order: share of these that run as the procedure does, 0–1.

    effect: levels that this moved the competency's level, before it is cut to 1–5.
    """

    competency: str
    coverage: float
    order: float
    steps: list[StepSaid]
    skipped_safety: list[str]
    effect: float


class ScoreResponse(Contract, frozen=True, kw_only=True):
    judgements: list[Judgement]
    star: dict[StarPart, str | None]  # the sentence that carries the part, None where missing
    specificity: float  # 0–1: numbers, names, own actions
    question_overlap: float  # 0–1: share of the answer that is the question read back
    on_topic: float  # 0–1, calibrated similarity to the question and its anchors
    versions: dict[str, str]
    set_aside: list[Aside] = msgspec.field(default_factory=list[Aside])
    procedure: ProcedureFound | None = None
