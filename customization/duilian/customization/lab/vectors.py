"""Vectors of many texts, on all cores: each process holds an encoder of its own and reads each text once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from duilian.infra.settings import Settings
from duilian.serving.adapters import AdaptedEmbedder, Adapters
from duilian.serving.loading import load_adaptable, load_embedder
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.scoring.similarity import unit
from duilian.serving.steps.embed import Embedder

FEW = 64  # texts that are not worth another process
PORTION = 16

_own: list[Embedder | AdaptedEmbedder] = []  # the encoder of a child process


class Vectors:
    """Callable: texts → rows of length 1. Remembers what it has read. adapter: of the encoder, none for the shared one.
    Raises ModelMissing, ModelBroken, AdapterBroken."""

    def __init__(self, settings: Settings, processes: int | None = None, adapter: bytes = b"") -> None:
        self._embedder = _embedder(settings, adapter)
        self.encoder = self._embedder.versions
        self._settings, self._adapter = settings, adapter
        self._processes = processes or os.cpu_count() or 1
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimension)."""
        self.read(texts)
        rows = [self._known[text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self._embedder.dimension), np.float32)

    def read(self, texts: Sequence[str]) -> None:
        """All at once, which is quicker than item by item."""
        new = sorted({text for text in texts if text.strip() and text not in self._known}, key=len)
        if len(new) < FEW or self._processes == 1:
            found = _rows(self._embedder, new)
        else:
            found = self._in_processes(new)
        self._known.update(zip(new, found, strict=True))

    def _in_processes(self, texts: list[str]) -> list[NDArray[np.float32]]:
        portions = [texts[first : first + PORTION] for first in range(0, len(texts), PORTION)]
        with ProcessPoolExecutor(
            self._processes, get_context("spawn"), _begin, (self._settings, self._adapter)
        ) as pool:
            return [row for found in pool.map(_encode, portions) for row in found]


def _embedder(settings: Settings, adapter: bytes) -> Embedder | AdaptedEmbedder:
    if not adapter:
        return load_embedder(settings).step
    return Adapters(lambda: load_adaptable(settings)).reading(Adapter.of(adapter))


def _begin(settings: Settings, adapter: bytes) -> None:
    _own.append(_embedder(settings, adapter))


def _encode(texts: list[str]) -> list[NDArray[np.float32]]:
    return _rows(_own[0], texts)


def _rows(embedder: Embedder | AdaptedEmbedder, texts: list[str]) -> list[NDArray[np.float32]]:
    return list(unit(embedder.embed(texts, "query"))) if texts else []
