"""The artefact of a tenant's own scoring model (租户模型): a small head on the shared sentence vectors.

MessagePack of `Artefact`; its version is the sha256 of its bytes. A head reads one answer as the numbers of
`answer-1`: the mean of the answer's own sentence vectors, centred and normalised as in similarity.py, then
specificity, STAR structure and fullness (each 0–1). Two kinds:

    ordinal  proportional odds (McCullagh 1980): P(level ≤ k) = σ(threshold_k − w·x), four thresholds rising
    ridge    a normal distribution about w·x + bias with the residual's standard deviation, in levels
"""

from __future__ import annotations

import hashlib
import itertools
from math import erf, isfinite, sqrt
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from duilian.infra.errors import Problem

FORMAT = "duilian-head-1"
FEATURES = "answer-1"
EXTRA = 3  # numbers behind the vector
EDGES = (1.5, 2.5, 3.5, 4.5)  # borders between levels
MOST_BYTES = 4 << 20


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
    """A head, ready to judge. bytes: what it holds in memory, about."""

    def __init__(self, artefact: Artefact, sha256: str) -> None:
        self.artefact, self.sha256 = artefact, sha256
        self._weights = np.frombuffer(artefact.weights, "<f4")
        self.bytes = len(artefact.weights) + 1024

    @property
    def size(self) -> int:
        """Features it wants."""
        return len(self._weights)

    def posterior(self, features: NDArray[np.float32]) -> list[float]:
        """features: shape (size,). Probabilities of levels 1–5, sum 1."""
        latent = float(features @ self._weights) + self.artefact.bias
        if self.artefact.kind == "ordinal":
            below = [_logistic(threshold - latent) for threshold in self.artefact.thresholds]
        else:
            spread = self.artefact.residual * sqrt(2)
            below = [0.5 * (1 + erf((edge - latent) / spread)) for edge in EDGES]
        return [high - low for low, high in itertools.pairwise([0.0, *below, 1.0])]


def pack(artefact: Artefact) -> tuple[bytes, str]:
    """Its bytes and their sha256. Raises HeadBroken on one that could not be read back."""
    octets = msgspec.msgpack.encode(artefact)
    sha256 = hashlib.sha256(octets).hexdigest()
    unpack(octets, sha256)
    return octets, sha256


def unpack(octets: bytes, sha256: str) -> Head:
    """Raises HeadBroken: other bytes than the name says, another format, numbers that make no model."""
    if len(octets) > MOST_BYTES:
        raise HeadBroken(sha256=sha256[:12], reason=f"it is larger than {MOST_BYTES} bytes")
    if (got := hashlib.sha256(octets).hexdigest()) != sha256:
        raise HeadBroken(sha256=sha256[:12], reason=f"its bytes are those of {got[:12]}")
    try:
        artefact = msgspec.msgpack.decode(octets, type=Artefact)
    except msgspec.DecodeError as error:
        raise HeadBroken(sha256=sha256[:12], reason=str(error)) from error
    if (reason := _wrong(artefact)) is not None:
        raise HeadBroken(sha256=sha256[:12], reason=reason)
    return Head(artefact, sha256)


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
