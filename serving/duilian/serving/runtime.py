"""The models of this process: loaded in the background, each used by as many calls at a time as it is made for.

A model that cannot be loaded is told in `health` and in every answer that needs it, and tried again every few
seconds: a pull or a repair needs no restart.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.serving.contracts import Health
from duilian.serving.errors import Busy, ServingUnavailable
from duilian.serving.loading import (
    Loaded,
    load_captioner,
    load_embedder,
    load_observer,
    load_recogniser,
    threads_of,
)
from duilian.serving.steps.caption import Captioner
from duilian.serving.steps.embed import Embedder
from duilian.serving.steps.observe import Observer
from duilian.serving.steps.recognise import Recogniser

log = logging.getLogger("duilian.serving")
TRY_AGAIN = 5.0  # seconds
MOST_UNDER_WAY = 32  # calls per step, above which a caller is sent away
Step = TypeVar("Step")
Answer = TypeVar("Answer")


class Slot(Generic[Step]):
    """One step and its models. `problem` is the reason while it is not there."""

    def __init__(self, load: Callable[[], Loaded[Step]], at_once: int = 1) -> None:
        self._load = load
        self._loaded: Loaded[Step] | None = None
        self._threads = ThreadPoolExecutor(at_once)
        self._under_way = 0
        self.problem = "is being loaded"

    @property
    def ready(self) -> bool:
        return self._loaded is not None

    @property
    def versions(self) -> dict[str, str]:
        return self._loaded.versions if self._loaded else {}

    def load(self) -> None:
        """Tries once; a failure is kept as the problem."""
        try:
            self._loaded = self._load()
        except Problem as problem:
            self.problem = problem.sentence("en")
        except Exception as error:  # whatever a model library raises means: this step is not there
            log.exception("a model could not be loaded")
            self.problem = f"{type(error).__name__}: {error}"

    async def run(self, work: Callable[[Step], Answer]) -> Answer:
        """The work's answer, done in a thread of this step's own when its turn comes.

        Raises ServingUnavailable, Busy, and whatever the work raises.
        """
        if self._loaded is None:
            raise ServingUnavailable(reason=self.problem)
        if self._under_way >= MOST_UNDER_WAY:
            raise Busy(waiting=self._under_way)
        self._under_way += 1
        try:
            # The context carries the trace into the thread.
            context, step = copy_context(), self._loaded.step
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: context.run(work, step)
            )
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Calls that wait are dropped; the process ends when the one being worked on does."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Runtime:
    """Every step of this process. Call `start` once; `stop` ends the background thread."""

    def __init__(self, settings: Settings) -> None:
        self.recogniser: Slot[Recogniser] = Slot(lambda: load_recogniser(settings), threads_of(settings))
        self.observer: Slot[Observer] = Slot(lambda: load_observer(settings.models_dir))
        self.captioner: Slot[Captioner] = Slot(lambda: load_captioner(settings))
        self.embedder: Slot[Embedder] = Slot(lambda: load_embedder(settings.models_dir))
        self._slots: dict[str, Slot[Captioner] | Slot[Embedder] | Slot[Observer] | Slot[Recogniser]] = {
            "captions": self.captioner,
            "embedding": self.embedder,
            "face": self.observer,
            "speech": self.recogniser,
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_loading, name="load-models", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        for slot in self._slots.values():
            slot.close()

    def health(self) -> Health:
        slots = self._slots.items()
        return Health(
            ready=all(slot.ready for _, slot in slots),
            models={name: version for _, slot in slots for name, version in slot.versions.items()},
            problems=[f"{task}: {slot.problem}" for task, slot in slots if not slot.ready],
        )

    def _keep_loading(self) -> None:
        while not self._stopping.is_set():
            for slot in (missing := [slot for slot in self._slots.values() if not slot.ready]):
                slot.load()
            if all(slot.ready for slot in missing):
                return
            self._stopping.wait(TRY_AGAIN)
