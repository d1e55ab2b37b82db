"""How far a run is, kept where its page reads it; and whether somebody has cancelled it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from uuid import UUID

from duilian.customization.training.models import TrainingRun
from duilian.infra.database import Database
from duilian.platform.training.meter import Meter, measured
from duilian.platform.training.service import UNDER_WAY

Result = TypeVar("Result")
Given = ParamSpec("Given")
EVERY = 1.0  # seconds between two looks while a thread is learning


class Stopped(Exception):
    """Somebody cancelled, or the run went away."""


class Progress:
    """Of one run, and what it takes. `tick` may be called from a thread."""

    def __init__(self, database: Database, tenant_id: UUID, run_id: UUID) -> None:
        self.meter = Meter()
        self._database, self._tenant_id, self._run_id = database, tenant_id, run_id
        self._state, self._low, self._high, self._share = UNDER_WAY[0], 0.0, 1.0, 0.0
        self._stopped = False

    async def step(self, state: str, low: float, high: float) -> None:
        """A step that takes the run's share from low to high. Raises Stopped."""
        self._state, self._low, self._high, self._share = state, low, high, low
        await self._write()

    def tick(self, share: float) -> None:
        """share: of the step. Raises Stopped."""
        self._share = self._low + (self._high - self._low) * share
        if self._stopped:
            raise Stopped

    async def told(self, share: float) -> None:
        """As `tick`, written at once. Raises Stopped."""
        self.tick(share)
        await self._write()

    async def threaded(
        self, work: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs
    ) -> Result:
        """The work in a thread of its own, its ticks written every second. Raises Stopped and what the work raises."""
        result, core_seconds = await self.watched(measured, work, *arguments, **named)
        self.meter.core_seconds += core_seconds
        return result

    async def watched(
        self, work: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs
    ) -> Result:
        """As `threaded`, of a thread that only waits: its CPU time is not counted."""
        task = asyncio.create_task(asyncio.to_thread(work, *arguments, **named))
        while not (await asyncio.wait({task}, timeout=EVERY))[0]:
            try:
                await self._write()
            except Stopped:
                continue  # the thread hears of it at its next tick
        return await task

    async def _write(self) -> None:
        async with self._database.begin(self._tenant_id) as session:
            row = await session.get(TrainingRun, (self._tenant_id, self._run_id), with_for_update=True)
            self._stopped = row is None or row.state not in UNDER_WAY
            if row is None or self._stopped:
                raise Stopped
            row.state, row.share, row.failure = self._state, self._share, None
