"""Points of a face: MediaPipe's face mesh (468 points) and iris model (eye contours, irises).

Kartynnik et al. 2019, "Real-time facial surface geometry"; Ablavatski et al. 2020, "Real-time pupil tracking". The
points are used within one answer to tell directions and counts; none is kept, and none tells who somebody is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, sin
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from duilian.serving.contracts import FaceBox
from duilian.serving.tensors import Interpreter, interpreter_of

MESH_SIDE, EYE_SIDE = 192, 64  # pixels the networks see
FACE_MARGIN, EYE_MARGIN = 1.5, 2.3  # side of the view by the size of what it shows
CERTAIN = 0.5  # probability from which there is a face in the view
# Corners of the eyes, outer first, as the picture shows them (left means left in the picture).
LEFT_EYE, RIGHT_EYE = (33, 133), (263, 362)
LOWER_MIDDLE, UPPER_MIDDLE = 4, (11, 12)  # of the iris model's eye contour
CORNERS = (0, 8)
Points = NDArray[np.float32]


@dataclass(frozen=True)
class Eye:
    """across, above: how far the iris is from the middle of the corners, by half the eye's width; to the right and
    up in the picture are positive. open: height of the opening by its width."""

    across: float
    above: float
    open: float


@dataclass(frozen=True)
class Face:
    """mesh: shape (468, 3) in pixels of the picture, z growing away from the camera. eyes: left and right."""

    mesh: Points
    eyes: tuple[Eye, Eye]


class Landmarks:
    """Not safe for threads: one call at a time."""

    def __init__(self, mesh: Path, iris: Path, threads: int = 1) -> None:
        self._mesh, self._iris = (interpreter_of(model, threads) for model in (mesh, iris))
        for interpreter in (self._mesh, self._iris):
            interpreter.allocate_tensors()

    def find(self, picture: Image.Image, box: FaceBox) -> Face | None:
        """The points of the face in the box; None where a second look finds no face there.

        The first look tells how the head is tilted, the second sees it upright.
        """
        width, height = picture.size
        middle = np.array([(box.x + box.width / 2) * width, (box.y + box.height / 2) * height])
        side = max(box.width * width, box.height * height) * FACE_MARGIN
        mesh, _ = self._look(picture, middle, side, 0.0)
        low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
        tilt = _tilt(mesh)
        mesh, certain = self._look(picture, (low + high) / 2, float((high - low).max()) * FACE_MARGIN, tilt)
        if certain < CERTAIN:
            return None
        left = self._eye(picture, mesh, LEFT_EYE, mirrored=False)
        return Face(mesh, (left, self._eye(picture, mesh, RIGHT_EYE, mirrored=True)))

    def _look(
        self, picture: Image.Image, middle: NDArray[np.float64], side: float, tilt: float
    ) -> tuple[Points, float]:
        view = _view(picture, middle, side, tilt, MESH_SIDE)
        points, certain = _run(self._mesh, view[None])
        flag = 1 / (1 + np.exp(-float(certain.reshape(-1)[0])))
        return _placed(points.reshape(468, 3), middle, side, tilt, MESH_SIDE), flag

    def _eye(self, picture: Image.Image, mesh: Points, corners: tuple[int, int], *, mirrored: bool) -> Eye:
        """The model is made for one eye; the other is shown to it in a mirror."""
        outer, inner = mesh[corners[0], :2], mesh[corners[1], :2]
        side = float(np.linalg.norm(outer - inner)) * EYE_MARGIN
        view = _view(picture, (outer + inner) / 2, side, _tilt(mesh), EYE_SIDE)
        contour, iris = _run(self._iris, (view[:, ::-1] if mirrored else view)[None])
        return _eye(contour.reshape(71, 3)[:, :2], iris.reshape(5, 3)[0, :2], mirrored=mirrored)


def _run(interpreter: Interpreter, picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """All outputs, the larger first."""
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(picture))
    interpreter.invoke()
    outputs = [interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details()]
    return sorted(outputs, key=lambda output: -output.size)


def _view(
    picture: Image.Image, middle: NDArray[np.floating], side: float, tilt: float, pixels: int
) -> NDArray[np.float32]:
    """A square of the picture, turned upright, values 0 to 1, shape (pixels, pixels, 3); black beyond its edge."""
    step = side / pixels
    along, down = (step * cos(tilt), step * sin(tilt)), (-step * sin(tilt), step * cos(tilt))
    x = float(middle[0]) - pixels / 2 * (along[0] + down[0])
    y = float(middle[1]) - pixels / 2 * (along[1] + down[1])
    view = picture.transform(
        (pixels, pixels),
        Image.Transform.AFFINE,
        (along[0], down[0], x, along[1], down[1], y),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(view, np.float32) / np.float32(255)


def _placed(points: Points, middle: NDArray[np.floating], side: float, tilt: float, pixels: int) -> Points:
    """From pixels of the view to pixels of the picture."""
    scaled = (points - np.array([pixels / 2, pixels / 2, 0], np.float32)) * (side / pixels)
    turn = np.array([[cos(tilt), -sin(tilt)], [sin(tilt), cos(tilt)]])
    flat = scaled[:, :2] @ turn.T + middle
    return np.column_stack([flat, scaled[:, 2]]).astype(np.float32)


def _tilt(mesh: Points) -> float:
    """Radians by which the line of the eyes is turned, clockwise in the picture."""
    x, y = mesh[RIGHT_EYE[0], :2] - mesh[LEFT_EYE[0], :2]
    return atan2(float(y), float(x))


def _eye(contour: Points, iris: Points, *, mirrored: bool) -> Eye:
    first, last = contour[CORNERS[0]], contour[CORNERS[1]]
    if first[0] > last[0]:
        first, last = last, first
    axis = last - first
    width = max(float(np.linalg.norm(axis)), 1e-6)
    along = axis / width
    up = np.array([along[1], -along[0]])
    offset = iris - (first + last) / 2
    across = float(offset @ along) / (width / 2)
    opening = contour[LOWER_MIDDLE] - contour[list(UPPER_MIDDLE)].mean(axis=0)
    return Eye(
        across=-across if mirrored else across,
        above=float(offset @ up) / (width / 2),
        open=max(0.0, float(opening @ -up)) / width,
    )
