"""One step and its models: loaded in the background, used by as many calls at a time as it is made for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

from duilian.infra.errors import Problem
from duilian.serving.cancelling import stopped_by
from duilian.serving.errors import Busy, OutOfMemory, ServingUnavailable, TooSlow
from duilian.serving.loading import Loaded

log = logging.getLogger("duilian.serving")
MOST_UNDER_WAY = 32  # calls per step, above which a caller is sent away
# How the model libraries say it: C++, CTranslate2 and CUDA, ONNX Runtime.
NO_MEMORY = ("bad_alloc", "out of memory", "failed to allocate", "cannot allocate")
Step = TypeVar("Step")
Answer = TypeVar("Answer")


class Slot(Generic[Step]):
    """`problem` is the reason while the step is not there. deadline: seconds a call may take, waiting included."""

    def __init__(
        self,
        load: Callable[[], Loaded[Step]],
        at_once: int = 1,
        deadline: float = 600.0,
        most: int = MOST_UNDER_WAY,
    ) -> None:
        self._load = load
        self._loaded: Loaded[Step] | None = None
        self._threads = ThreadPoolExecutor(at_once)
        self._deadline, self._most = deadline, most
        self._under_way, self._counting = 0, threading.Lock()
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

        Cancelled, or too slow, the work is dropped from the queue or ends at its next look (cancelling.check).
        Raises ServingUnavailable, Busy, TooSlow, OutOfMemory, and whatever the work raises.
        """
        if self._loaded is None:
            raise ServingUnavailable(reason=self.problem)
        stop = threading.Event()
        future = self._submit(work, self._loaded.step, stop)
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise TooSlow(seconds=round(self._deadline)) from error
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory from error
            raise
        finally:
            stop.set()

    def _submit(self, work: Callable[[Step], Answer], step: Step, stop: threading.Event) -> Future[Answer]:
        with self._counting:
            if self._under_way >= self._most:
                raise Busy(waiting=self._under_way)
            self._under_way += 1
        with stopped_by(stop):  # the context carries the trace into the thread, too
            context = copy_context()
        future = self._threads.submit(context.run, work, step)
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _future: Future[Answer]) -> None:
        """Counted until the thread is free again, not until the caller has gone."""
        with self._counting:
            self._under_way -= 1

    def close(self) -> None:
        """Calls that wait are dropped; the process ends when the one being worked on does."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in NO_MEMORY)
