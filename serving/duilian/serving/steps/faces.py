"""Face detection: MediaPipe's short-range BlazeFace, decoded here (Bazarevsky et al. 2019).

The network sees 128×128 pixels and answers, for each of 896 anchors, a score and a box relative to the anchor.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from duilian.serving.contracts import FaceBox
from duilian.serving.tensors import interpreter_of

SIDE = 128
LAYERS = ((16, 2), (8, 6))  # cells per side, anchors per cell
CERTAIN = 0.5  # probability from which a face counts
OVERLAP = 0.3  # intersection over union from which two boxes are one face
CLOSER = 0.6  # side of a closer view by the picture's shorter side
Boxes = NDArray[np.float32]  # columns x, y, width, height, probability
View = tuple[int, int, int, int]  # left, top, right, bottom in pixels


class FaceDetector:
    """Not safe for threads: one call at a time."""

    def __init__(self, model: Path, threads: int = 1) -> None:
        self._interpreter = interpreter_of(model, threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = {o["name"]: o["index"] for o in self._interpreter.get_output_details()}
        self._anchors = anchors()

    def detect(self, picture: Image.Image) -> list[FaceBox]:
        """Faces from left to right, as shares of the picture.

        The model is made for faces within two metres; where it finds none, closer views are searched.
        """
        found = self._look(picture, (0, 0, *picture.size))
        if not len(found):
            found = np.concatenate([self._look(picture, view) for view in closer_views(picture.size)])
        return sorted((_face(box, *picture.size) for box in suppressed(found)), key=lambda face: face.x)

    def _look(self, picture: Image.Image, view: View) -> Boxes:
        """Boxes in one view of the picture, in pixels of the picture."""
        square, side, left, top = letterboxed(picture, view)
        self._interpreter.set_tensor(self._input, square[None])
        self._interpreter.invoke()
        scores = self._interpreter.get_tensor(self._outputs["classificators"])[0, :, 0]
        raw = self._interpreter.get_tensor(self._outputs["regressors"])[0]
        boxes = decoded(raw, scores, self._anchors)
        boxes[:, :4] *= side
        boxes[:, :2] += (left, top)
        return boxes


def closer_views(size: tuple[int, int]) -> list[View]:
    """Six overlapping squares of 0.6 of the shorter side: three across, two down."""
    width, height = size
    side = round(CLOSER * min(size))
    lefts, tops = ((width - side) * i // 2 for i in range(3)), (0, height - side)
    return [(left, top, left + side, top + side) for left in lefts for top in tops]


def anchors() -> NDArray[np.float32]:
    """Centres of the anchors, shape (896, 2): x, y as shares of the square."""
    layers: list[NDArray[np.float64]] = []
    for cells, each in LAYERS:
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        layers.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), each, axis=0))
    return np.concatenate(layers).astype(np.float32)


def letterboxed(picture: Image.Image, view: View) -> tuple[NDArray[np.float32], float, float, float]:
    """The view in the middle of a black square with values −1 to 1, shape (128, 128, 3).

    Also where that square lies in the picture, in its pixels: side, left, top.
    """
    left, top, right, bottom = view
    side = float(max(right - left, bottom - top))
    width, height = (max(1, round(n * SIDE / side)) for n in (right - left, bottom - top))
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(
        picture.resize((width, height), Image.Resampling.BILINEAR, box=view),
        ((SIDE - width) // 2, (SIDE - height) // 2),
    )
    values = np.asarray(square, np.float32) / 127.5 - 1
    return values, side, (left + right - side) / 2, (top + bottom - side) / 2


def decoded(raw: NDArray[np.float32], scores: NDArray[np.float32], centres: NDArray[np.float32]) -> Boxes:
    """Boxes of the anchors that are certain enough, as shares of the square."""
    probabilities = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
    certain = np.flatnonzero(probabilities >= CERTAIN)
    middle = raw[certain, :2] / SIDE + centres[certain]
    size = raw[certain, 2:4] / SIDE
    return np.column_stack([middle - size / 2, size, probabilities[certain]]).astype(np.float32)


def suppressed(boxes: Boxes) -> list[NDArray[np.float32]]:
    """Non-maximum suppression; the boxes of one face are averaged by their probability."""
    faces: list[NDArray[np.float32]] = []
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    while len(boxes):
        same = _overlap(boxes[0], boxes) >= OVERLAP
        same[0] = True
        group = boxes[same]
        mean = np.average(group[:, :4], axis=0, weights=group[:, 4])
        faces.append(np.append(mean, group[0, 4]).astype(np.float32))
        boxes = boxes[~same]
    return faces


def _overlap(box: NDArray[np.float32], others: Boxes) -> NDArray[np.float32]:
    """Intersection over union with each of the others."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:4], others[:, :2] + others[:, 2:4])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    return both / (box[2] * box[3] + others[:, 2] * others[:, 3] - both)


def _face(box: NDArray[np.float32], width: int, height: int) -> FaceBox:
    """From pixels to shares of the picture, within it."""
    left, top = max(0.0, float(box[0]) / width), max(0.0, float(box[1]) / height)
    right, bottom = min(1.0, float(box[0] + box[2]) / width), min(1.0, float(box[1] + box[3]) / height)
    return FaceBox(
        x=round(left, 4),
        y=round(top, 4),
        width=round(max(0.0, right - left), 4),
        height=round(max(0.0, bottom - top), 4),
        probability=round(float(box[4]), 4),
    )
