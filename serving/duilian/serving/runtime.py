"""The model tier inside one process: every step with its models, loaded in the background.

A model that cannot be loaded is told in `health` and in every answer that needs it, and tried again every few
seconds: a pull or a repair needs no restart.
"""

from __future__ import annotations

import threading

from duilian.infra.clock import now
from duilian.infra.settings import Settings
from duilian.serving import desks
from duilian.serving.contracts import Health
from duilian.serving.tier import Reply

TRY_AGAIN = 5.0  # seconds


class Runtime:
    """Call `start` once; `stop` ends the background thread."""

    def __init__(self, settings: Settings) -> None:
        recogniser = desks.recogniser_slot(settings)
        captioner = desks.captioner_slot(settings)
        observer = desks.observer_slot(settings)
        adapters = desks.adapters_of(settings)
        embedder = desks.embedder_slot(settings)
        converser = desks.converser_slot(settings)
        self._desks: dict[str, desks.AnyDesk] = {
            "transcribe": desks.transcribing(recogniser),
            "caption": desks.captioning(captioner),
            "observe": desks.observing(observer),
            "embed": desks.embedding(embedder, adapters),
            "score": desks.scoring(embedder, settings, adapters),
            "converse": desks.conversing(converser, settings),
        }
        # Loaded in this order: what is quick and waited for by most comes first.
        self._slots: dict[str, desks.AnySlot] = {
            "embedding": embedder,
            "face": observer,
            "speech": recogniser,
            "captions": captioner,
        }
        if settings.language_url:
            self._slots["language"] = converser
        self._since = now().isoformat(timespec="seconds")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_loading, name="load-models", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        for slot in self._slots.values():
            slot.close()

    async def answer(self, step: str, body: bytes) -> Reply:
        return await self._desks[step].answer(body)

    async def health(self) -> Health:
        slots = self._slots.items()
        return Health(
            ready=all(slot.ready for _, slot in slots),
            models={name: version for _, slot in slots for name, version in slot.versions.items()},
            problems=[f"{task}: {slot.problem}" for task, slot in slots if not slot.ready],
            since=self._since,
        )

    def _keep_loading(self) -> None:
        while not self._stopping.is_set():
            for slot in (missing := [slot for slot in self._slots.values() if not slot.ready]):
                slot.load()
            if all(slot.ready for slot in missing):
                return
            self._stopping.wait(TRY_AGAIN)
