"""Tenants' adapters of the encoder: one encoder in memory, an adapter comes with the head that was learned on it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from duilian.serving.contracts import Embeddings, EmbedRequest
from duilian.serving.errors import AdapterBroken
from duilian.serving.loading import Loaded
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.steps.embed import answered
from duilian.serving.steps.remembered import Remembered

if TYPE_CHECKING:
    from duilian.serving.steps.adapted import AdaptableEncoder


class AdaptedEmbedder:
    """The encoder with one adapter, as the scorer wants it. versions: of both."""

    def __init__(
        self, encoder: AdaptableEncoder, adapter: Adapter, remembered: Remembered, versions: dict[str, str]
    ) -> None:
        self._encoder, self._adapter, self._remembered = encoder, adapter, remembered
        self.versions, self.dimension = versions, encoder.dim

    def embed(self, texts: list[str], kind: Literal["query", "passage"] = "query") -> NDArray[np.float32]:
        """Rows of length 1, shape (len(texts), dimension). kind: without effect, this encoder knows none."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        read = self._remembered.rows
        return read(texts, self._adapter.sha256, lambda new: self._encoder.encode(new, self._adapter))


class Adapters:
    """Safe for threads. The encoder is loaded when the first adapter asks for it: most tenants have none. Where it cannot
    be loaded, the calls that need it are refused, and tried again with the next."""

    def __init__(self, load: Callable[[], Loaded[AdaptableEncoder]]) -> None:
        self._load, self._loaded = load, None
        self._remembered, self._lock = Remembered(), Lock()

    def reading(self, adapter: Adapter) -> AdaptedEmbedder:
        """Raises AdapterBroken on one for another encoder, ModelMissing, ModelBroken."""
        with self._lock:
            loaded = self._loaded = self._loaded or self._load()
        if reason := loaded.step.misfit(adapter):
            raise AdapterBroken(sha256=adapter.sha256[:12], reason=reason)
        versions = loaded.versions | {"adapter": adapter.sha256[:12]}
        return AdaptedEmbedder(loaded.step, adapter, self._remembered, versions)

    def respond(self, request: EmbedRequest) -> Embeddings:
        """Raises BadRequest, AdapterBroken, ModelMissing, ModelBroken."""
        embedder = self.reading(Adapter.of(request.adapter))
        return answered(request, embedder.embed, embedder.versions)
