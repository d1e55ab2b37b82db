"""Where somebody looks, whether the eyes are shut, whether somebody smiles: from the points of one face.

Directions are told against the person's own usual one in the same answer, since nobody knows where the camera stands
beside the screen. Limits and their reasons: docs/vision.md. Shown, never weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, atan2, degrees
from statistics import median

import numpy as np

from duilian.serving.contracts import Blinks, Frame, Gaze
from duilian.serving.steps.landmarks import LEFT_EYE, RIGHT_EYE, Face

CHEEKS, FOREHEAD, CHIN = (234, 454), 10, 152  # points of the mesh
MOUTH, LIPS = (61, 291), (13, 14)
EYE_BY_BALL = 1.25  # half the eye's opening (15 mm) by the radius of the eyeball (12 mm): adult means
USUAL_ACROSS, USUAL_ABOVE = 20.0, 15.0  # degrees from the own median within which a screen is looked at
FARTHEST = 40.0  # degrees from the camera beyond which no screen is looked at, whatever is usual
SHUT = 0.5  # opening by the own median, below which eyes are shut
LONGEST_BLINK = 0.5  # seconds; longer is closing the eyes
WIDE_MOUTH, LIFTED = (
    0.62,
    0.04,
)  # width by the distance of the eyes; corners above the lips' middle by the width


@dataclass(frozen=True)
class Direction:
    """Degrees, right and up in the picture positive; eyes_open: height by width."""

    yaw: float
    pitch: float
    roll: float
    horizontal: float
    vertical: float
    eyes_open: float


def direction(face: Face) -> Direction:
    cheeks = face.mesh[CHEEKS[1]] - face.mesh[CHEEKS[0]]
    upright = face.mesh[FOREHEAD] - face.mesh[CHIN]
    yaw = degrees(atan2(float(cheeks[2]), float(cheeks[0])))
    pitch = degrees(atan2(float(upright[2]), float(-upright[1])))
    eyes = face.mesh[RIGHT_EYE[0]] - face.mesh[LEFT_EYE[0]]
    return Direction(
        yaw=yaw,
        pitch=pitch,
        roll=degrees(atan2(float(eyes[1]), float(eyes[0]))),
        horizontal=yaw + _turned(sum(eye.across for eye in face.eyes) / 2),
        vertical=pitch + _turned(sum(eye.above for eye in face.eyes) / 2),
        eyes_open=sum(eye.open for eye in face.eyes) / 2,
    )


def _turned(offset: float) -> float:
    """Degrees the eyes are turned, from how far the iris is off the middle (by half the eye's width)."""
    return degrees(asin(max(-1.0, min(1.0, offset * EYE_BY_BALL))))


def gazes(directions: Sequence[Direction | None]) -> list[Gaze | None]:
    """Each frame's direction, judged against the median of all."""
    known = [d for d in directions if d is not None]
    if not known:
        return [None] * len(directions)
    usual = median(d.horizontal for d in known), median(d.vertical for d in known)
    return [None if d is None else _gaze(d, usual) for d in directions]


def _gaze(d: Direction, usual: tuple[float, float]) -> Gaze:
    across, above = abs(d.horizontal - usual[0]), abs(d.vertical - usual[1])
    # With shut eyes the irises tell nothing; a blink is no look away.
    near = d.eyes_open < 0.1 or (across <= USUAL_ACROSS and above <= USUAL_ABOVE)
    return Gaze(
        yaw=round(d.yaw, 1),
        pitch=round(d.pitch, 1),
        roll=round(d.roll, 1),
        horizontal=round(d.horizontal, 1),
        vertical=round(d.vertical, 1),
        eyes_open=round(d.eyes_open, 3),
        on_screen=near and abs(d.horizontal) <= FARTHEST,
    )


def smiles(face: Face) -> bool:
    """A wide mouth whose corners stand above the middle of the lips."""
    left, right = face.mesh[MOUTH[0], :2], face.mesh[MOUTH[1], :2]
    eyes = face.mesh[RIGHT_EYE[0], :2] - face.mesh[LEFT_EYE[0], :2]
    between = max(float(np.linalg.norm(eyes)), 1e-6)
    up = np.array([eyes[1], -eyes[0]]) / between
    width = max(float(np.linalg.norm(right - left)), 1e-6)
    lift = float(((left + right) / 2 - face.mesh[list(LIPS), :2].mean(axis=0)) @ up) / width
    return width / between >= WIDE_MOUTH and lift >= LIFTED


def stretches(flags: Sequence[bool]) -> int:
    """Runs of neighbouring frames that are so."""
    return sum(flag and not before for flag, before in zip(flags, [False, *flags], strict=False))


def blinks(bursts: Sequence[Sequence[tuple[Frame, Direction | None]]]) -> Blinks:
    """Short closings of the eyes, against the person's own usual opening."""
    opened = [d.eyes_open for burst in bursts for _, d in burst if d is not None]
    usual = median(opened) if opened else 0.0
    seconds = sum(burst[-1][0].time - burst[0][0].time for burst in bursts if burst)
    count = sum(_closings(burst, usual * SHUT) for burst in bursts)
    return Blinks(count=count, seconds=round(seconds, 1))


def _closings(burst: Sequence[tuple[Frame, Direction | None]], shut: float) -> int:
    count, since = 0, None
    for frame, found in burst:
        closed = found is not None and found.eyes_open < shut
        if closed and since is None:
            since = frame.time
        elif not closed and since is not None:
            count += frame.time - since <= LONGEST_BLINK
            since = None
    return count
