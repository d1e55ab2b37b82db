"""What the camera shows: faces, light and focus on sampled frames; where asked for, gaze and smiles too.

Facts to be shown, never weighed. What a request does not ask for is not computed (docs/vision.md).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from duilian.infra.errors import BadRequest
from duilian.serving.contracts import Blinks, Frame, FrameFacts, Observation, ObserveRequest, Placing
from duilian.serving.steps import gaze
from duilian.serving.steps.faces import FaceDetector
from duilian.serving.steps.landmarks import Face, Landmarks

WIDTH = 320  # pixels at which sharpness is measured
DARK, BRIGHT = 50, 215  # mean luma
SURE = 0.7  # probability from which a second face is told: a face on a shirt or a poster stays below
MOST_FRAMES = 600
MOST_PIXELS = 4096 * 4096


class Observer:
    def __init__(self, detector: FaceDetector, landmarks: Landmarks, versions: dict[str, str]) -> None:
        self._detector, self._landmarks, self._versions = detector, landmarks, versions

    def observe(self, request: ObserveRequest) -> Observation:
        """Raises BadRequest without frames, with too many, or on bytes that are no picture."""
        count = len(request.frames) + sum(map(len, request.blink_frames))
        if not request.frames or count > MOST_FRAMES:
            raise BadRequest(reason=f"between 1 and {MOST_FRAMES} frames are wanted, not {count}")
        pictures = [_picture(frame) for frame in request.frames]
        facts = [self._facts(f, p) for f, p in zip(request.frames, pictures, strict=True)]
        if request.measures:
            facts = self._measured(request, pictures, facts)
        return _summary(facts, request, self._blinks(request), self._versions)

    def _facts(self, frame: Frame, picture: Image.Image) -> FrameFacts:
        luma = _luma(picture)
        return FrameFacts(
            time=frame.time,
            faces=self._detector.detect(picture),
            brightness=round(float(luma.mean()), 2),
            sharpness=round(_sharpness(luma), 2),
        )

    def _measured(
        self, request: ObserveRequest, pictures: list[Image.Image], facts: list[FrameFacts]
    ) -> list[FrameFacts]:
        """With what was asked for beyond presence, of the largest face in each frame."""
        faces = [self._largest(p, f) for p, f in zip(pictures, facts, strict=True)]
        looks = gaze.gazes([face and gaze.direction(face) for face in faces])
        return [
            msgspec.structs.replace(
                fact,
                gaze=look if "gaze" in request.measures else None,
                smiling=gaze.smiles(face) if face and "expression" in request.measures else None,
            )
            for fact, face, look in zip(facts, faces, looks, strict=True)
        ]

    def _largest(self, picture: Image.Image, facts: FrameFacts) -> Face | None:
        if not facts.faces:
            return None
        return self._landmarks.find(picture, max(facts.faces, key=lambda face: face.width * face.height))

    def _blinks(self, request: ObserveRequest) -> Blinks | None:
        if "gaze" not in request.measures or not request.blink_frames:
            return None
        return gaze.blinks([[(f, self._direction(f)) for f in burst] for burst in request.blink_frames])

    def _direction(self, frame: Frame) -> gaze.Direction | None:
        picture = _picture(frame)
        face = self._largest(picture, self._facts(frame, picture))
        return face and gaze.direction(face)


def _summary(
    facts: list[FrameFacts], request: ObserveRequest, blinks: Blinks | None, versions: dict[str, str]
) -> Observation:
    looked = {name: v for name, v in versions.items() if request.measures or "landmark" not in name}
    smiling = [fact.smiling is True for fact in facts]
    return Observation(
        frames=facts,
        face_present_share=round(sum(bool(f.faces) for f in facts) / len(facts), 4),
        second_face_times=[f.time for f in facts if _second_face(f)],
        no_face_times=[f.time for f in facts if not f.faces],
        lighting=_lighting(sum(f.brightness for f in facts) / len(facts)),
        versions=looked,
        sharpness=round(median(f.sharpness for f in facts), 2),
        placing=_placing(facts),
        measures=sorted(set(request.measures)),
        look_away_times=[f.time for f in facts if f.gaze and not f.gaze.on_screen],
        smiles=gaze.stretches(smiling) if "expression" in request.measures else None,
        blinks=blinks,
    )


def _placing(facts: Sequence[FrameFacts]) -> Placing | None:
    """Of the largest face of each frame."""
    faces = [max(f.faces, key=lambda face: face.width * face.height) for f in facts if f.faces]
    if not faces:
        return None
    return Placing(
        area=round(median(f.width * f.height for f in faces), 4),
        x=round(median(f.x + f.width / 2 for f in faces), 4),
        y=round(median(f.y + f.height / 2 for f in faces), 4),
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
