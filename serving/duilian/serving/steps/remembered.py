"""Vectors that have been computed: questions, references and background sentences come again with every answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

MOST = 8192  # texts; 1.5 kB each


class Remembered:
    """By text and how it was read; the longest unused go first. One text is read at a time."""

    def __init__(self) -> None:
        self._vectors: OrderedDict[Hashable, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def rows(
        self, texts: list[str], how: Hashable, read: Callable[[str], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Shape (len(texts), dimension); at least one text."""
        with self._lock:
            return np.stack([self._one((how, text), text, read) for text in texts])

    def _one(
        self, key: Hashable, text: str, read: Callable[[str], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """A vector must not depend on what else was asked for with it."""
        if key in self._vectors:
            self._vectors.move_to_end(key)
            return self._vectors[key]
        vector = self._vectors[key] = read(text.replace("\0", " "))
        if len(self._vectors) > MOST:
            self._vectors.popitem(last=False)
        return vector
