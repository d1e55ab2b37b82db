"""One step's turn-taking: what fails, fails alone and in words."""

from __future__ import annotations

import asyncio
import threading

import pytest

from duilian.serving.cancelling import check
from duilian.serving.errors import Busy, OutOfMemory, ServingUnavailable, TooSlow
from duilian.serving.loading import Loaded
from duilian.serving.slots import Slot


def slot_of(step: object = None, **limits: float) -> Slot[object]:
    slot: Slot[object] = Slot(lambda: Loaded(step, {}), **limits)
    slot.load()
    return slot


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("std::bad_alloc"), RuntimeError("CUDA failed with error out of memory")],
)
async def test_no_memory_is_told_as_that(error):
    def work(_step: object) -> None:
        raise error

    slot = slot_of()
    with pytest.raises(OutOfMemory):
        await slot.run(work)
    assert await slot.run(lambda _: "next") == "next"


async def test_other_errors_pass_through():
    def work(_step: object) -> None:
        raise RuntimeError("memory of an elephant")

    with pytest.raises(RuntimeError, match="elephant"):
        await slot_of().run(work)


async def test_a_call_over_its_time_stops_working():
    ended = threading.Event()

    def work(_step: object) -> None:
        try:
            while True:
                check()
        finally:
            ended.set()

    with pytest.raises(TooSlow):
        await slot_of(deadline=0.1).run(work)
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_queue_has_an_end_and_gone_callers_leave_it():
    go = threading.Event()
    slot = slot_of(most=2)
    waiting = [asyncio.create_task(slot.run(lambda _: go.wait(10))) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(Busy):
        await slot.run(lambda _: None)
    waiting[1].cancel()
    await asyncio.sleep(0.05)
    third = asyncio.create_task(slot.run(lambda _: "third"))
    await asyncio.sleep(0)
    go.set()
    assert await waiting[0] and await third == "third"


async def test_a_step_that_cannot_be_loaded_says_why():
    def load() -> Loaded[object]:
        raise OSError("no such disk")

    slot: Slot[object] = Slot(load)
    slot.load()
    with pytest.raises(ServingUnavailable, match="no such disk"):
        await slot.run(lambda _: None)
