"""The wire contract of the model tier (模型服务契约): what goes in, what comes out, in which units.

One format, MessagePack (`application/msgpack`) by msgspec, whether the embedded process or a Ray Serve
cluster answers. Times are seconds from the start of the answer's audio. Nothing here names a person.
"""

from __future__ import annotations

from duilian.serving.contracts.base import SAMPLE_RATE, Contract, Language
from duilian.serving.contracts.health import Health, ServingProblem
from duilian.serving.contracts.language import ConverseRequest, ConverseResponse, Material
from duilian.serving.contracts.scoring import (
    Anchor,
    AnswerText,
    Aside,
    AsideReason,
    CompetencyProfile,
    FactGap,
    HeadWanted,
    Judgement,
    Moved,
    Near,
    Opinion,
    Point,
    Procedure,
    ProcedureFound,
    ProcedureStep,
    Quote,
    Said,
    ScoreRequest,
    ScoreResponse,
    StarPart,
    StepSaid,
    Why,
)
from duilian.serving.contracts.speech import (
    Caption,
    CaptionRequest,
    Delivery,
    Sentence,
    TranscribeRequest,
    Transcript,
    Word,
)
from duilian.serving.contracts.vectors import Embeddings, EmbedRequest
from duilian.serving.contracts.vision import (
    Blinks,
    FaceBox,
    Frame,
    FrameFacts,
    Gaze,
    Measure,
    Observation,
    ObserveRequest,
    Placing,
)

__all__ = [
    "SAMPLE_RATE",
    "Anchor",
    "AnswerText",
    "Aside",
    "AsideReason",
    "Blinks",
    "Caption",
    "CaptionRequest",
    "CompetencyProfile",
    "Contract",
    "ConverseRequest",
    "ConverseResponse",
    "Delivery",
    "EmbedRequest",
    "Embeddings",
    "FaceBox",
    "FactGap",
    "Frame",
    "FrameFacts",
    "Gaze",
    "HeadWanted",
    "Health",
    "Judgement",
    "Language",
    "Material",
    "Measure",
    "Moved",
    "Near",
    "Observation",
    "ObserveRequest",
    "Opinion",
    "Placing",
    "Point",
    "Procedure",
    "ProcedureFound",
    "ProcedureStep",
    "Quote",
    "Said",
    "ScoreRequest",
    "ScoreResponse",
    "Sentence",
    "ServingProblem",
    "StarPart",
    "StepSaid",
    "TranscribeRequest",
    "Transcript",
    "Why",
    "Word",
]
