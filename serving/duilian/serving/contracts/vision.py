"""Messages about pictures: faces, gaze, blinks, as facts with times."""

from __future__ import annotations

from typing import Literal

import msgspec

from duilian.serving.contracts.base import Contract


class Frame(Contract, frozen=True, kw_only=True):
    """A JPEG picture taken `time` seconds into the answer."""

    time: float
    jpeg: bytes


Measure = Literal["gaze", "expression"]


class ObserveRequest(Contract, frozen=True, kw_only=True):
    """measures: what is looked at beyond presence, light and focus. blink_frames: runs of neighbouring frames, at
    ten a second, in which blinks are counted (with "gaze" only)."""

    frames: list[Frame]
    measures: list[Measure] = msgspec.field(default_factory=list[Measure])
    blink_frames: list[list[Frame]] = msgspec.field(default_factory=list[list[Frame]])


class FaceBox(Contract, frozen=True, kw_only=True):
    """x, y, width, height as shares of the picture (0–1); probability of the detector."""

    x: float
    y: float
    width: float
    height: float
    probability: float


class Gaze(Contract, frozen=True, kw_only=True):
    """Where head and eyes point, in degrees as the picture shows it: right and up are positive (docs/vision.md).

    yaw, pitch, roll: of the head; horizontal, vertical: of head and eyes together. on_screen: near the person's own
    usual direction.
    """

    yaw: float
    pitch: float
    roll: float
    horizontal: float
    vertical: float
    eyes_open: float  # height of the opening by its width, mean of both eyes
    on_screen: bool


class FrameFacts(Contract, frozen=True, kw_only=True):
    """brightness: mean luma 0–255; sharpness: variance of the Laplacian of the luma at 320 px width.

    gaze, smiling: of the largest face; None where that was not to be looked at, or no face was clear enough.
    """

    time: float
    faces: list[FaceBox]
    brightness: float
    sharpness: float
    gaze: Gaze | None = None
    smiling: bool | None = None


class Blinks(Contract, frozen=True, kw_only=True):
    """count: within the `seconds` that were looked at ten times a second."""

    count: int
    seconds: float


class Placing(Contract, frozen=True, kw_only=True):
    """Median over the frames with a face: its area and its middle as shares of the picture (0–1)."""

    area: float
    x: float
    y: float


class Observation(Contract, frozen=True, kw_only=True):
    """Facts per sampled frame and their summary; shown, never weighed.

    lighting: "dark" (mean luma under 50), "bright" (over 215) or "good". sharpness: median of the frames.
    measures: what was looked at; of what was not, times are empty and counts None. smiles: stretches of smiling frames.
    """

    frames: list[FrameFacts]
    face_present_share: float
    second_face_times: list[float]
    no_face_times: list[float]
    lighting: Literal["dark", "good", "bright"]
    versions: dict[str, str]
    sharpness: float | None = None
    placing: Placing | None = None
    measures: list[Measure] = msgspec.field(default_factory=list[Measure])
    look_away_times: list[float] = msgspec.field(default_factory=list[float])
    smiles: int | None = None
    blinks: Blinks | None = None
