"""The models of this process: loaded in the background, each used by one call at a time.

A model that cannot be loaded is told in `health` and in every answer that needs it, and tried again every few
seconds: a pull or a repair needs no restart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic, TypeVar

from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.serving.contracts import Health
from duilian.serving.errors import Busy, ServingUnavailable
from duilian.serving.loading import Loaded, load_embedder, load_observer, load_recogniser
from duilian.serving.steps.embed import Embedder
from duilian.serving.steps.observe import Observer
from duilian.serving.steps.recognise import Recogniser

log = logging.getLogger("duilian.serving")
TRY_AGAIN = 5.0  # seconds
MOST_WAITING = 32  # calls per model, above which a caller is sent away
Step = TypeVar("Step")


class Slot(Generic[Step]):
    """One step and its models. `problem` is the reason while it is not there."""

    def __init__(self, load: Callable[[], Loaded[Step]]) -> None:
        self._load = load
        self._loaded: Loaded[Step] | None = None
        self._turn = threading.Lock()
        self._waiting = 0
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

    @contextmanager
    def use(self) -> Generator[Step]:
        """The step, for one caller at a time. Raises ServingUnavailable, Busy."""
        if self._loaded is None:
            raise ServingUnavailable(reason=self.problem)
        if self._waiting >= MOST_WAITING:
            raise Busy(waiting=self._waiting)
        self._waiting += 1
        try:
            with self._turn:
                yield self._loaded.step
        finally:
            self._waiting -= 1


class Runtime:
    """Every step of this process. Call `start` once; `stop` ends the background thread."""

    def __init__(self, settings: Settings) -> None:
        self.recogniser: Slot[Recogniser] = Slot(lambda: load_recogniser(settings))
        self.observer: Slot[Observer] = Slot(lambda: load_observer(settings.models_dir))
        self.embedder: Slot[Embedder] = Slot(lambda: load_embedder(settings.models_dir))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_loading, name="load-models", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def health(self) -> Health:
        slots = {"speech": self.recogniser, "face": self.observer, "embedding": self.embedder}
        return Health(
            ready=all(slot.ready for slot in slots.values()),
            models={name: version for slot in slots.values() for name, version in slot.versions.items()},
            problems=[f"{task}: {slot.problem}" for task, slot in slots.items() if not slot.ready],
        )

    def _keep_loading(self) -> None:
        slots = (self.embedder, self.observer, self.recogniser)
        while not self._stopping.is_set():
            for slot in slots:
                if not slot.ready:
                    slot.load()
            if all(slot.ready for slot in slots):
                return
            self._stopping.wait(TRY_AGAIN)
