"""One replica of one step: the same slot and the same bytes as in the embedded process."""

from __future__ import annotations

from collections.abc import Mapping

from duilian.infra import telemetry
from duilian.infra.settings import load
from duilian.serving import allocator
from duilian.serving.desks import desk_of
from duilian.serving.errors import ServingUnavailable


class StepReplica:
    """Ready when its model is loaded and not before: a roll-out of a broken model leaves the old replicas at work.

    rollout: no meaning of its own; another word makes Ray replace the replica.
    """

    def __init__(self, step: str, rollout: str = "") -> None:
        allocator.keep_flat()
        settings = load()
        telemetry.setup(f"duilian-serving-{step}", settings)
        self._step, self.rollout = step, rollout
        self._desk = desk_of(step, settings)
        self._desk.slot.load()
        if not self._desk.slot.ready and self._desk.refusal is None:
            # The message reaches `serve status` and, through the ingress, /health and `duilian doctor`.
            raise ServingUnavailable(reason=f"{step}: {self._desk.slot.problem}")

    async def answer(self, body: bytes, trace: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """A Reply as plain values: nothing of ours need be importable to read it."""
        with telemetry.attached(trace):
            status, content, headers = await self._desk.answer(body)
        return status, content, dict(headers)

    async def versions(self) -> dict[str, str]:
        """Of the models, by name."""
        return self._desk.slot.versions
