"""The artefact of a tenant's own scoring model (租户模型): a small head on the shared sentence vectors.

MessagePack of `Artefact`, or of `Learned` (learned/model.py), which has a reader of its own; its version is the sha256
of its bytes. A head reads one answer as the numbers of
`answer-1`: the mean of the answer's own sentence vectors, centred and normalised as in similarity.py, then
specificity, STAR structure and fullness (each 0–1). Two kinds:

    ordinal  proportional odds (McCullagh 1980): P(level ≤ k) = σ(threshold_k − w·x), four thresholds rising
    ridge    a normal distribution about w·x + bias with the residual's standard deviation, in levels
"""

from __future__ import annotations

import hashlib
import itertools
from math import isfinite
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from duilian.infra.errors import Problem
from duilian.serving.errors import AdapterBroken
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.scoring.learned.model import Learned, Model
from duilian.serving.scoring.levels import level_posterior

FORMAT = "duilian-head-1"
FEATURES = "answer-1"
EXTRA = 3  # numbers behind the vector
MOST_BYTES = 16 << 20


class HeadBroken(Problem):
    """The tenant's model cannot be used; nobody else's answers are concerned."""

    status = 422
    code = "head-broken"
    zh = "评分模型 {sha256} 无法使用：{reason}。请重新上传该模型或回退到上一版本。"
    en = "The scoring model {sha256} cannot be used: {reason}. Store it again, or go back to the version before."


class Artefact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """weights: little-endian float32, one per feature. encoder_version: 12 digits, as in every answer's versions."""

    format: Literal["duilian-head-1"] = FORMAT
    features: Literal["answer-1"] = FEATURES
    kind: Literal["ordinal", "ridge"]
    competency: str
    encoder: str
    encoder_version: str
    weights: bytes
    bias: float = 0.0
    thresholds: list[float] = []
    residual: float = 1.0


class Head:
    """A head, ready to judge. bytes: what it holds in memory, about. made_for: the encoder's version, by its name."""

    def __init__(self, artefact: Artefact, sha256: str) -> None:
        self.artefact, self.sha256, self.competency = artefact, sha256, artefact.competency
        self.made_for = {artefact.encoder: artefact.encoder_version}
        self._weights = np.frombuffer(artefact.weights, "<f4")
        self.bytes = len(artefact.weights) + 1024

    @property
    def size(self) -> int:
        """Features it wants."""
        return len(self._weights)

    def posterior(self, features: NDArray[np.float32]) -> list[float]:
        """features: shape (size,). Probabilities of levels 1–5, sum 1."""
        latent = float(features @ self._weights) + self.artefact.bias
        if self.artefact.kind == "ridge":
            return level_posterior(latent, self.artefact.residual)
        below = [_logistic(threshold - latent) for threshold in self.artefact.thresholds]
        return [high - low for low, high in itertools.pairwise([0.0, *below, 1.0])]


class LearnedHead:
    """A model learned from labels, ready to judge; the rest as in `Head`. adapter: of the encoder that it reads with."""

    def __init__(self, learned: Learned, sha256: str) -> None:
        self.model, self.sha256, self.competency = Model(learned), sha256, learned.competency
        self.made_for = {learned.encoder: learned.encoder_version}
        self.adapter = Adapter.of(learned.adapter) if learned.adapter else None
        self.bytes = self.model.bytes + (self.adapter.bytes if self.adapter else 0)


AnyHead = Head | LearnedHead


class _Kind(msgspec.Struct):
    """What every artefact says of itself first."""

    format: str


def pack(artefact: Artefact | Learned) -> tuple[bytes, str]:
    """Its bytes and their sha256. Raises HeadBroken on one that could not be read back."""
    octets = msgspec.msgpack.encode(artefact)
    sha256 = hashlib.sha256(octets).hexdigest()
    unpack(octets, sha256)
    return octets, sha256


def labels_in(octets: bytes) -> Learned | None:
    """What a stored model holds of people; None of a `Head`, which is weights alone. Raises msgspec.DecodeError, also on a
    format that is unknown: nobody could say whose labels it holds."""
    if msgspec.msgpack.decode(octets, type=_Kind).format == FORMAT:
        return None
    return msgspec.msgpack.decode(octets, type=Learned)


def unpack(octets: bytes, sha256: str) -> AnyHead:
    """Raises HeadBroken: other bytes than the name says, another format, numbers that make no model."""
    if len(octets) > MOST_BYTES:
        raise HeadBroken(sha256=sha256[:12], reason=f"it is larger than {MOST_BYTES} bytes")
    if (got := hashlib.sha256(octets).hexdigest()) != sha256:
        raise HeadBroken(sha256=sha256[:12], reason=f"its bytes are those of {got[:12]}")
    try:
        if (learned := labels_in(octets)) is not None:
            return _learned(learned, sha256)
        artefact = msgspec.msgpack.decode(octets, type=Artefact)
    except AdapterBroken as problem:
        raise HeadBroken(sha256=sha256[:12], reason=problem.sentence("en")) from problem
    except (msgspec.DecodeError, ValueError, LookupError, ArithmeticError) as error:
        raise HeadBroken(sha256=sha256[:12], reason=str(error)) from error
    if (reason := _wrong(artefact)) is not None:
        raise HeadBroken(sha256=sha256[:12], reason=reason)
    return Head(artefact, sha256)


def _learned(learned: Learned, sha256: str) -> LearnedHead:
    if not 1 <= learned.low < learned.high <= 5:
        raise HeadBroken(
            sha256=sha256[:12], reason=f"its marks are {learned.low} to {learned.high}, not levels 1 to 5"
        )
    if not (isfinite(learned.joint) and learned.joint > 0 and isfinite(learned.offset)):
        raise HeadBroken(sha256=sha256[:12], reason="its joint error or its offset is no number it may be")
    head = LearnedHead(learned, sha256)
    if not all(isfinite(p.expected) for found in head.model.left_out.values() for p in found):
        raise HeadBroken(sha256=sha256[:12], reason="its numbers are not finite")
    return head


def _wrong(artefact: Artefact) -> str | None:
    """What keeps the numbers from being a model, or None."""
    if len(artefact.weights) % 4 or len(artefact.weights) <= 4 * EXTRA:
        return "its weights are not whole numbers of float32"
    if not np.isfinite(np.frombuffer(artefact.weights, "<f4")).all() or not isfinite(artefact.bias):
        return "its weights are not finite"
    if artefact.kind == "ridge":
        return (
            None if isfinite(artefact.residual) and artefact.residual > 0 else "its residual is not positive"
        )
    rising = all(low < high for low, high in itertools.pairwise(artefact.thresholds))
    finite = all(isfinite(threshold) for threshold in artefact.thresholds)
    return None if len(artefact.thresholds) == 4 and rising and finite else "it needs four rising thresholds"


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -60, 60))))
