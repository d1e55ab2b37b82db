"""The wire contract of the model tier (模型服务契约): what goes in, what comes out, in which units.

One format, MessagePack (`application/msgpack`) by msgspec, whether the embedded process or a Ray Serve
cluster answers. Times are seconds from the start of the answer's audio. Nothing here names a person.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Language = Literal["zh", "en"]
SAMPLE_RATE = 16_000


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every message."""


# --- speech recognition -------------------------------------------------------------------------


class TranscribeRequest(Contract, frozen=True, kw_only=True):
    """audio: little-endian signed 16-bit PCM, mono, 16 kHz. vocabulary: terms of the tenant to listen for."""

    audio: bytes
    language: Language
    vocabulary: list[str] = []


class Word(Contract, frozen=True, kw_only=True):
    """One recognised word (Chinese: one or a few characters) with its times and probability (0–1).

    `text` is what stands in `Transcript.text` at [offset, offset + len(text)), character positions.
    """

    text: str
    start: float
    end: float
    probability: float
    offset: int


class Sentence(Contract, frozen=True, kw_only=True):
    """A sentence of the transcript: characters [offset, offset + length), words [first_word, last_word]."""

    text: str
    offset: int
    length: int
    start: float
    end: float
    first_word: int
    last_word: int


class Delivery(Contract, frozen=True, kw_only=True):
    """Delivery facts, shown and never weighed. `unit` of pace: "characters/min" (zh) or "words/min" (en)."""

    pace: float
    pace_unit: str
    articulation_pace: float  # the same over speech time without pauses
    pauses: int  # silences of at least 0.7 s between words
    pause_seconds: float
    longest_pause: float
    fillers: int
    filler_words: dict[str, int]


class Transcript(Contract, frozen=True, kw_only=True):
    """The words of one answer. `text` holds every word in order; simplified characters where Chinese.

    confidence: mean word probability weighted by duration, 0–1 (0 without words).
    detected_language, detected_probability: what the recogniser hears, asked or not.
    speech_seconds: voice activity; audio_seconds: the whole. loudness_dbfs: RMS of the voiced parts.
    signal_to_noise_db: voiced against unvoiced power, None where either is missing.
    repetition: compression ratio of the text (above 2.4 is a loop of the recogniser, as in Whisper).
    """

    text: str
    language: Language
    words: list[Word]
    sentences: list[Sentence]
    confidence: float
    detected_language: str
    detected_probability: float
    audio_seconds: float
    speech_seconds: float
    loudness_dbfs: float
    signal_to_noise_db: float | None
    no_speech_probability: float
    repetition: float
    delivery: Delivery
    versions: dict[str, str]
    speech: list[tuple[float, float]] = []  # voice activity: start and end of each span


class CaptionRequest(Contract, frozen=True, kw_only=True):
    """audio: as above, 30 s at most, since the last cut. settled: words of it that stand; before: words before the cut."""

    audio: bytes
    language: Language
    settled: str = ""
    before: str = ""


class Caption(Contract, frozen=True, kw_only=True):
    """text: what follows the settled words. settled_until: when these end, 0 where that was not asked or is not known.
    Seconds: speech in the sound, silence at its end, and `quietest`, where a stretch without a pause may be cut.
    """

    text: str
    settled_until: float
    speech_seconds: float
    silence: float
    quietest: float
    versions: dict[str, str]


# --- vision ---------------------------------------------------------------------------------------


class Frame(Contract, frozen=True, kw_only=True):
    """A JPEG picture taken `time` seconds into the answer."""

    time: float
    jpeg: bytes


Measure = Literal["gaze", "expression"]


class ObserveRequest(Contract, frozen=True, kw_only=True):
    """measures: what is looked at beyond presence, light and focus. blink_frames: runs of neighbouring frames, at
    ten a second, in which blinks are counted (with "gaze" only)."""

    frames: list[Frame]
    measures: list[Measure] = []
    blink_frames: list[list[Frame]] = []


class FaceBox(Contract, frozen=True, kw_only=True):
    """x, y, width, height as shares of the picture (0–1); probability of the detector."""

    x: float
    y: float
    width: float
    height: float
    probability: float


class Gaze(Contract, frozen=True, kw_only=True):
    """Where head and eyes point, in degrees as the picture shows it: right and up are positive (docs/vision.md).

    yaw, pitch, roll: of the head; horizontal, vertical: of head and eyes together. on_screen: near the person's own
    usual direction.
    """

    yaw: float
    pitch: float
    roll: float
    horizontal: float
    vertical: float
    eyes_open: float  # height of the opening by its width, mean of both eyes
    on_screen: bool


class FrameFacts(Contract, frozen=True, kw_only=True):
    """brightness: mean luma 0–255; sharpness: variance of the Laplacian of the luma at 320 px width.

    gaze, smiling: of the largest face; None where that was not to be looked at, or no face was clear enough.
    """

    time: float
    faces: list[FaceBox]
    brightness: float
    sharpness: float
    gaze: Gaze | None = None
    smiling: bool | None = None


class Blinks(Contract, frozen=True, kw_only=True):
    """count: within the `seconds` that were looked at ten times a second."""

    count: int
    seconds: float


class Placing(Contract, frozen=True, kw_only=True):
    """Median over the frames with a face: its area and its middle as shares of the picture (0–1)."""

    area: float
    x: float
    y: float


class Observation(Contract, frozen=True, kw_only=True):
    """Facts per sampled frame and their summary; shown, never weighed.

    lighting: "dark" (mean luma under 50), "bright" (over 215) or "good". sharpness: median of the frames.
    measures: what was looked at; of what was not, times are empty and counts None. smiles: stretches of smiling frames.
    """

    frames: list[FrameFacts]
    face_present_share: float
    second_face_times: list[float]
    no_face_times: list[float]
    lighting: Literal["dark", "good", "bright"]
    versions: dict[str, str]
    sharpness: float | None = None
    placing: Placing | None = None
    measures: list[Measure] = []
    look_away_times: list[float] = []
    smiles: int | None = None
    blinks: Blinks | None = None


# --- embeddings -----------------------------------------------------------------------------------


class EmbedRequest(Contract, frozen=True, kw_only=True):
    """kind: "passage" for things that are searched, "query" for what searches them (e5 prefixes).

    adapter: of a tenant's own, as safetensors (steps/adapted.py): the adaptable encoder reads with it, and `kind` is
    without effect. Without one the shared encoder reads.
    """

    texts: list[str]
    kind: Literal["query", "passage"] = "passage"
    adapter: bytes = b""


class Embeddings(Contract, frozen=True, kw_only=True):
    """vectors: little-endian float32, shape (len(texts), dimension), L2-normalised rows."""

    vectors: bytes
    dimension: int
    versions: dict[str, str]


# --- scoring --------------------------------------------------------------------------------------


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
    keywords: list[str] = []
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
    others: list[str] = []
    leaked: list[str] = []
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
    heads: list[HeadWanted] = []
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
    quotes: list[Said] = []
    because: str = ""
    spread: float | None = None
    labels: int = 0
    before: list[float] = []
    versions: dict[str, str] = {}


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
    set_aside: list[Aside] = []
    procedure: ProcedureFound | None = None


# --- language model ------------------------------------------------------------------------------


class Material(Contract, frozen=True, kw_only=True):
    """Something to be examined: an answer, a résumé, a question. Never an instruction."""

    name: str
    text: str


class ConverseRequest(Contract, frozen=True, kw_only=True):
    """instructions: ours, fixed, without a word of anybody else's. schema: JSON Schema (2020-12) of the answer.

    tenant: whose budget pays. prompt: what the instructions are called in the answer's versions. seed: goes to
    the endpoint; whether the same seed gives the same answer is the endpoint's promise (ours on one machine does).
    """

    tenant: str
    prompt: str
    instructions: str
    materials: list[Material]
    schema: dict[str, Any]
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=8192)] = 512
    seed: int = 0
    deadline_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0


class ConverseResponse(Contract, frozen=True, kw_only=True):
    """content: JSON under the schema. versions: of the model, and of the prompt by its sha256."""

    content: str
    prompt_tokens: int
    completion_tokens: int
    versions: dict[str, str]


# --- health ---------------------------------------------------------------------------------------


class Health(Contract, frozen=True, kw_only=True):
    """ready: every model loaded. models: name to version (first 12 digits of its sha256).

    problems: also of what the rest works without (a language model that does not answer).
    """

    ready: bool
    models: dict[str, str]
    problems: list[str]


class ServingProblem(Contract, frozen=True, kw_only=True):
    """A refusal. code: "bad-request", "model-unavailable", "too-long", "busy", "artefact-needed", "head-broken", …

    chinese: the detail for a Chinese reader; empty where there is none.
    """

    code: str
    detail: str
    chinese: str = ""
