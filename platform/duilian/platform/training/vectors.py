"""Sentence vectors through the model tier: all texts are read beforehand, so that learning itself waits for nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from duilian.customization.lab.lines import Line
from duilian.customization.training.folds import KnownVectors
from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.serving.scoring.background import BACKGROUND
from duilian.serving.scoring.similarity import unit

PORTION = 128  # texts of one call: a few seconds, so that progress is seen and live answers get their turn


class RemoteVectors:
    """encoder: name and version, once something was read, and those of the adapter, where there is one."""

    def __init__(self, serving: ServingClient, adapter: bytes = b"") -> None:
        self._serving, self._adapter = serving, adapter
        self._known: dict[str, NDArray[np.float32]] = {}
        self.encoder: dict[str, str] = {}

    @property
    def known(self) -> KnownVectors:
        """Those that were read."""
        return KnownVectors(self._known)

    async def read(self, texts: Iterable[str], told: Callable[[float], Awaitable[None]]) -> None:
        """told: of the share that has been read. Raises what the model tier refuses."""
        new = sorted({text for text in texts if text.strip() and text not in self._known}, key=len)
        for first in range(0, len(new), PORTION):
            portion = new[first : first + PORTION]
            found = await self._serving.embed(
                c.EmbedRequest(texts=portion, kind="query", adapter=self._adapter)
            )
            rows = np.frombuffer(found.vectors, "<f4").reshape(len(portion), found.dimension)
            self._known.update(zip(portion, unit(rows), strict=True))
            self.encoder = found.versions
            await told((first + len(portion)) / len(new))


def texts_of(lines: Sequence[Line]) -> set[str]:
    """Everything that learning and judging these lines will ask for."""
    found = {text for line in lines for text in (line.question, line.answer, *line.reference)}
    return found | {text for texts in BACKGROUND.values() for text in texts}
