"""Many callers, few runs: what several requests ask for at the same time is worked on together.

Callers put in their pieces and wait; threads take the oldest piece and whatever else is of its kind, up to a batch.
Nobody waits for company: a piece that comes alone is worked on alone. Where a batch fails, each of its pieces is worked
on alone, so that what fails is the piece that cannot be done, and not whatever stood beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from duilian.serving.cancelling import Abandoned, check
from duilian.serving.slots import is_out_of_memory

Piece = TypeVar("Piece")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Waiting(Generic[Piece, Found]):
    """A piece with its caller's context, which knows whether the caller still waits."""

    piece: Piece
    context: Context
    future: Future[Found]

    def abandoned(self) -> bool:
        try:
            self.context.run(check)
        except Abandoned as error:
            self.future.set_exception(error)
            return True
        return False


class Gatherer(Generic[Piece, Found]):
    """work: pieces of one kind to answers in the same order. most: pieces of a batch. Threads end with the process."""

    def __init__(
        self,
        work: Callable[[list[Piece]], list[Found]],
        kind: Callable[[Piece], Hashable],
        threads: int,
        most: int,
    ) -> None:
        self._work, self._kind, self._most = work, kind, most
        self._waiting: list[Waiting[Piece, Found]] = []
        self._arrived = threading.Condition()
        for number in range(threads):
            threading.Thread(target=self._keep_working, name=f"gather-{number}", daemon=True).start()

    def run(self, pieces: list[Piece]) -> list[Found]:
        """Blocks until all are done. Raises what the work raised, and Abandoned."""
        asked = [Waiting[Piece, Found](piece, copy_context(), Future()) for piece in pieces]
        with self._arrived:
            self._waiting += asked
            self._arrived.notify_all()
        return [waiting.future.result() for waiting in asked]

    def _keep_working(self) -> None:
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._waiting)
                batch = self._take()
            if batch := [waiting for waiting in batch if not waiting.abandoned()]:
                self._answer(batch)

    def _take(self) -> list[Waiting[Piece, Found]]:
        """The oldest and those of its kind, out of the queue."""
        kind = self._kind(self._waiting[0].piece)
        same = [waiting for waiting in self._waiting if self._kind(waiting.piece) == kind][: self._most]
        taken = set(map(id, same))
        self._waiting = [waiting for waiting in self._waiting if id(waiting) not in taken]
        return same

    def _answer(self, batch: list[Waiting[Piece, Found]]) -> None:
        try:
            found = self._work([waiting.piece for waiting in batch])
        except BaseException as error:  # whatever it is belongs to the callers, and the thread must go on
            self._failed(batch, error)
            return
        for waiting, answer in zip(batch, found, strict=True):
            waiting.future.set_result(answer)

    def _failed(self, batch: list[Waiting[Piece, Found]], error: BaseException) -> None:
        """Memory that was missing is no piece's fault and is missing still: all of them are told, and come again later."""
        if len(batch) == 1 or is_out_of_memory(error):
            for waiting in batch:
                waiting.future.set_exception(error)
            return
        for waiting in batch:
            if not waiting.abandoned():
                self._answer([waiting])
