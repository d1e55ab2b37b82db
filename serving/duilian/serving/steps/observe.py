"""What the camera shows: faces, light and focus on sampled frames. Facts to be shown, never weighed."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from duilian.infra.errors import BadRequest
from duilian.serving.contracts import Frame, FrameFacts, Observation, ObserveRequest
from duilian.serving.steps.faces import FaceDetector

WIDTH = 320  # pixels at which sharpness is measured
DARK, BRIGHT = 50, 215  # mean luma
SURE = 0.7  # probability from which a second face is told: a face on a shirt or a poster stays below
MOST_FRAMES = 600
MOST_PIXELS = 4096 * 4096


class Observer:
    def __init__(self, detector: FaceDetector, versions: dict[str, str]) -> None:
        self._detector, self._versions = detector, versions

    def observe(self, request: ObserveRequest) -> Observation:
        """Raises BadRequest without frames, with too many, or on bytes that are no picture."""
        if not 0 < len(request.frames) <= MOST_FRAMES:
            raise BadRequest(
                reason=f"between 1 and {MOST_FRAMES} frames are wanted, not {len(request.frames)}"
            )
        facts = [self._facts(frame) for frame in request.frames]
        return Observation(
            frames=facts,
            face_present_share=round(sum(bool(f.faces) for f in facts) / len(facts), 4),
            second_face_times=[f.time for f in facts if _second_face(f)],
            no_face_times=[f.time for f in facts if not f.faces],
            lighting=_lighting(sum(f.brightness for f in facts) / len(facts)),
            versions=self._versions,
        )

    def _facts(self, frame: Frame) -> FrameFacts:
        picture = _picture(frame)
        luma = _luma(picture)
        return FrameFacts(
            time=frame.time,
            faces=self._detector.detect(picture),
            brightness=round(float(luma.mean()), 2),
            sharpness=round(_sharpness(luma), 2),
        )


def _second_face(facts: FrameFacts) -> bool:
    return sum(face.probability >= SURE for face in facts.faces) > 1


def _picture(frame: Frame) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(frame.jpeg), formats=["JPEG"])
        if picture.width * picture.height > MOST_PIXELS:
            raise BadRequest(reason=f"the frame at {frame.time} s is too large ({picture.size})")
        return picture.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise BadRequest(reason=f"the frame at {frame.time} s is not a JPEG picture") from error


def _luma(picture: Image.Image) -> NDArray[np.float32]:
    """Rec. 601 luma, 0–255, at 320 pixels' width, shape (height, 320)."""
    height = max(3, round(picture.height * WIDTH / picture.width))
    small = picture if picture.width == WIDTH else picture.resize((WIDTH, height), Image.Resampling.BILINEAR)
    return np.asarray(small.convert("L"), np.float32)


def _sharpness(luma: NDArray[np.float32]) -> float:
    """Variance of the Laplacian: low where the picture is blurred."""
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float((around - 4 * luma[1:-1, 1:-1]).var())


def _lighting(brightness: float) -> Literal["dark", "good", "bright"]:
    return "dark" if brightness < DARK else "bright" if brightness > BRIGHT else "good"
