"""A Ray cluster as the tier: each step answered by whichever replica has the shortest queue.

What a replica says is passed on; what happens to a replica is told in the contract's words. Every step is a pure
function of its message, so a call whose replica died is made once more, on another one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

from ray import serve
from ray.exceptions import OutOfMemoryError, RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from duilian.infra.clock import now
from duilian.infra.telemetry import carrier
from duilian.serving.contracts import Health
from duilian.serving.errors import Busy, OutOfMemory, ServingUnavailable, StepDied
from duilian.serving.ray_status import Statuses
from duilian.serving.tier import Reply

log = logging.getLogger("duilian.serving")
ATTEMPTS = 2  # replicas a call may meet
KEPT = 20  # lost replicas that /health tells of
LOOK = 2.0  # seconds between two looks at the cluster
ASKING = 3.0  # seconds a replica has to name its models


class RayTier:
    def __init__(self, steps: dict[str, DeploymentHandle[Any]]) -> None:
        self._steps = steps
        self._statuses = Statuses(next(iter(steps.values())).app_name, steps)
        self._versions: dict[str, dict[str, str]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._since = now().isoformat(timespec="seconds")
        self._lost: deque[str] = deque(maxlen=KEPT)

    def start(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def answer(self, step: str, body: bytes) -> Reply:
        """Raises ServingUnavailable (no replica), Busy (queue full), OutOfMemory, StepDied."""
        if (problem := self._statuses.problem(step)) is not None:
            raise ServingUnavailable(reason=problem)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._ask(step, body)
            except (RayActorError, OutOfMemoryError) as error:
                log.warning("replica was lost", extra={"step": step, "error": type(error).__name__})
                if attempt == ATTEMPTS:
                    raise _death(step, error) from error
                self._lose(step, error)
        raise AssertionError("the last attempt returns or raises")

    def _lose(self, step: str, error: RayError) -> None:
        """Told once, however many calls the replica had."""
        said = f"{step} at {now().isoformat(timespec='seconds')} ({type(error).__name__})"
        if said not in self._lost:
            self._lost.append(said)

    async def _ask(self, step: str, body: bytes) -> Reply:
        # Any: a handle gives a response, or a generator where it was asked to stream.
        answering: Any = self._steps[step].answer.remote(body, carrier())
        try:
            status, content, headers = await answering
        except asyncio.CancelledError:
            answering.cancel()
            raise
        except BackPressureError as error:
            raise Busy(waiting=error.args[0]) from error
        except DeploymentUnavailableError as error:
            raise ServingUnavailable(reason=f"{step}: {error}") from error
        return Reply(status, content, headers)

    async def health(self) -> Health:
        """Ready where every step has a replica. A busy one may not have named its models yet."""
        problems = {step: p for step in self._steps if (p := self._statuses.problem(step)) is not None}
        missing = [s for s in self._steps if s not in problems and not self._statuses.runs(s)]
        models = {name: version for found in self._versions.values() for name, version in found.items()}
        return Health(
            ready=not problems and not missing,
            models=models,
            problems=[*self._statuses.troubles, *(f"{step}: is being loaded" for step in missing)],
            since=self._since,
            lost=list(self._lost),
        )

    async def _watch(self) -> None:
        """Keeps in mind which deployments have replicas, and which models those hold."""
        while True:
            try:
                await asyncio.to_thread(self._statuses.look, serve.status)
                await self._ask_all()
            except Exception:  # whatever it is, the next look may succeed; without looks, /health would lie
                log.exception("the cluster could not be looked at")
            await asyncio.sleep(LOOK)

    async def _ask_all(self) -> None:
        """A step that does not tell its models keeps no other from it."""
        asking = [self._ask_versions(step) for step in self._steps]
        for step, found in zip(
            self._steps, await asyncio.gather(*asking, return_exceptions=True), strict=True
        ):
            if found is not None:
                log.warning("a replica did not name its models", extra={"step": step, "error": repr(found)})

    async def _ask_versions(self, step: str) -> None:
        """What was known stays where the question waits behind real work; the next look asks again."""
        if self._statuses.problem(step) is not None:
            self._versions.pop(step, None)
            return
        asking: Any = self._steps[step].versions.remote()  # Any: as in `_ask`
        try:
            async with asyncio.timeout(ASKING):
                self._versions[step] = await asking
        except TimeoutError:
            asking.cancel()


def _death(step: str, error: RayError) -> Exception:
    if isinstance(error, OutOfMemoryError):
        return OutOfMemory()
    return StepDied(step=step, reason=type(error).__name__)
