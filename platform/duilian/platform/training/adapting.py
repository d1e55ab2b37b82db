"""The step of a run that fine-tunes the encoder: an adapter for each fold, one from all labels, and whether it is kept.

Each fold's adapter has not seen the fold's people, so the figures beside the model without an adapter are honest. All
adapters are read through the model tier, as they will be when the model judges.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec

from duilian.customization.lab.lines import Line
from duilian.customization.training.adaptation import Adaptation, decided
from duilian.customization.training.adapting import adapt
from duilian.customization.training.folds import FOLDS, Fold, Reader, folds_by, held_out, in_order, without
from duilian.infra.settings import Settings
from duilian.platform.training.progress import Progress
from duilian.platform.training.service import ADAPTING
from duilian.platform.training.vectors import RemoteVectors, texts_of
from duilian.serving.client import ServingClient
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.scoring.learned.model import Learned
from duilian.serving.scoring.learned.observe import Observer

FROM, READING, TO = 0.4, 0.7, 0.8  # shares of the run: fine-tuning, then reading with what came of it


@dataclass(frozen=True)
class Result:
    """folds: models that have not seen the fold's people. reader: what the model reads with."""

    learned: Learned
    folds: list[Fold]
    reader: Reader
    adaptation: Adaptation | None = None


class Adapting:
    """industry: as `Reader`."""

    def __init__(
        self,
        serving: ServingClient,
        settings: Settings,
        progress: Progress,
        lines: list[Line],
        industry: list[Line],
    ) -> None:
        self._serving, self._settings, self._progress = serving, settings, progress
        self._lines, self._industry = lines, industry

    async def beside(self, plain: Result) -> Result:
        """The model with an adapter, or the plain one where that does better. Raises Stopped, and what `adapt` raises."""
        began = time.monotonic()
        parts: list[list[int]] = [*(held_out(self._lines, number) for number in range(FOLDS)), []]
        taught = [without(self._lines, part) for part in parts]
        await self._progress.step(ADAPTING, FROM, READING)
        octets = await self._progress.threaded(adapt, taught, self._settings, self._progress.tick)
        readers = [await self._reader(one, number / len(octets)) for number, one in enumerate(octets)]
        *folded, whole = readers
        seconds = time.monotonic() - began
        folds = await self._progress.threaded(folds_by, self._lines, folded, self._progress.tick)
        alone, adapted = in_order(plain.folds), in_order(folds)
        found = decided(self._lines, alone, adapted, Adapter.of(octets[-1]).sha256, seconds)
        if not found.used:
            return Result(plain.learned, plain.folds, plain.reader, found)
        learned = await self._progress.threaded(whole.learn, self._lines, plain.learned.competency)
        read_with = [
            Fold(msgspec.structs.replace(fold.head, adapter=one), fold.said) if fold.head else fold
            for fold, one in zip(folds, octets, strict=False)
        ]
        return Result(msgspec.structs.replace(learned, adapter=octets[-1]), read_with, whole, found)

    async def _reader(self, octets: bytes, share: float) -> Reader:
        """What reads with the adapter. share: of the reading that is done."""
        vectors = RemoteVectors(self._serving, octets)
        await self._progress.step(ADAPTING, READING + (TO - READING) * share, TO)
        with self._progress.meter.tier():
            await vectors.read(texts_of([*self._lines, *self._industry]), self._progress.told)
        return Reader(Observer(vectors.known), vectors.encoder, self._industry)
