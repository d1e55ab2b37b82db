"""Vectors that have been computed: questions, references and background sentences come again with every answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

MOST = 8192  # texts; 1.5 kB each
Vector = NDArray[np.float32]


class Remembered:
    """By text and how it was read; the longest unused go first. Safe for threads, which do not wait for each other's
    reading: a text that two of them miss at the same time is read twice.
    """

    def __init__(self) -> None:
        self._vectors: OrderedDict[Hashable, Vector] = OrderedDict()
        self._lock = Lock()

    def rows(
        self, texts: list[str], how: Hashable, read: Callable[[list[str]], Vector], at_once: int = 1
    ) -> Vector:
        """Shape (len(texts), dimension); at least one text. at_once: texts that `read` is given at most.

        A vector must not depend on what else was asked for with it. What was read before `read` raised is kept.
        """
        found = self._known(texts, how)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        for start in range(0, len(missing), at_once):
            batch = missing[start : start + at_once]
            found |= self._keep(batch, how, read([text.replace("\0", " ") for text in batch]))
        return np.stack([found[text] for text in texts])

    def _known(self, texts: list[str], how: Hashable) -> dict[str, Vector]:
        with self._lock:
            known = {text: self._vectors[how, text] for text in texts if (how, text) in self._vectors}
            for text in known:
                self._vectors.move_to_end((how, text))
        return known

    def _keep(self, texts: list[str], how: Hashable, rows: Vector) -> dict[str, Vector]:
        """Each row as an array of its own: one of a batch would keep the whole batch in memory."""
        read = {text: row.copy() for text, row in zip(texts, rows, strict=True)}
        with self._lock:
            self._vectors.update({(how, text): row for text, row in read.items()})
            while len(self._vectors) > MOST:
                self._vectors.popitem(last=False)
        return read
