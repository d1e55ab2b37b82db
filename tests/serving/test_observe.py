"""Faces, light and focus, on the real detector."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from duilian.infra.errors import BadRequest
from duilian.serving.audio import sample_frames
from duilian.serving.contracts import Frame, ObserveRequest
from duilian.serving.steps.faces import anchors, suppressed
from face_clip import ensure_face_clip

pytestmark = pytest.mark.models


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def look(observer, *pictures: Image.Image):
    frames = [Frame(time=2.0 * i, jpeg=jpeg(p)) for i, p in enumerate(pictures)]
    return observer.observe(ObserveRequest(frames=frames))


@pytest.fixture(scope="session")
def face(tmp_path_factory) -> Image.Image:
    """One frame of the talking face, 320 pixels wide."""
    clip = ensure_face_clip(tmp_path_factory.mktemp("face"))
    (first, *_) = sample_frames(clip, every_seconds=2.0)
    return Image.open(io.BytesIO(first.jpeg)).convert("RGB")


def grey(level: int) -> Image.Image:
    return Image.new("RGB", (320, 240), (level, level, level))


def test_one_face(observer, face):
    seen = look(observer, face)
    (box,) = seen.frames[0].faces
    assert box.probability > 0.7 and 0.02 < box.width * box.height < 0.9
    assert seen.face_present_share == 1 and not seen.no_face_times and not seen.second_face_times
    assert seen.lighting == "good"


def test_nobody_and_two(observer, face):
    both = Image.new("RGB", (face.width * 2, face.height))
    both.paste(face, (0, 0))
    both.paste(face.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (face.width, 0))
    seen = look(observer, grey(128), face, both)
    assert [len(frame.faces) for frame in seen.frames] == [0, 1, 2]
    assert seen.no_face_times == [0.0] and seen.second_face_times == [4.0]
    assert seen.face_present_share == pytest.approx(2 / 3, abs=1e-3)
    left, right = seen.frames[2].faces
    assert left.x + left.width < 0.55 and right.x > 0.45


def test_a_face_far_away_is_still_found(observer, face):
    room = grey(120).resize((640, 480))
    room.paste(face.resize((160, 120)), (240, 20))
    (found,) = look(observer, room).frames[0].faces
    assert 0.375 <= found.x + found.width / 2 <= 0.625 and found.y + found.height / 2 <= 0.3


def test_the_box_follows_the_face(observer, face):
    wide = grey(100).resize((face.width * 2, face.height))
    wide.paste(face, (face.width, 0))
    (alone,), (moved,) = look(observer, face).frames[0].faces, look(observer, wide).frames[0].faces
    assert moved.x == pytest.approx(0.5 + alone.x / 2, abs=0.05)
    assert moved.width == pytest.approx(alone.width / 2, abs=0.06)


@pytest.mark.parametrize(("level", "lighting"), [(10, "dark"), (120, "good"), (250, "bright")])
def test_lighting(observer, level, lighting):
    seen = look(observer, grey(level))
    assert seen.lighting == lighting
    assert seen.frames[0].brightness == pytest.approx(level, abs=2)


def test_blur_lowers_sharpness(observer, face):
    sharp, blurred = look(observer, face, face.filter(ImageFilter.GaussianBlur(4))).frames
    assert blurred.sharpness < sharp.sharpness / 3


@pytest.mark.parametrize("frames", [[], [Frame(time=0, jpeg=b"no picture")], [Frame(time=0, jpeg=b"")]])
def test_what_is_no_picture_is_refused(observer, frames):
    with pytest.raises(BadRequest):
        observer.observe(ObserveRequest(frames=frames))


def test_anchors_and_suppression():
    assert anchors().shape == (896, 2)
    assert anchors()[0] == pytest.approx([1 / 32, 1 / 32]) and anchors()[-1] == pytest.approx(
        [15 / 16, 15 / 16]
    )
    boxes = np.array([[0, 0, 1, 1, 0.6], [0.05, 0, 1, 1, 0.9], [5, 5, 1, 1, 0.7]], np.float32)
    first, second = suppressed(boxes)
    assert first[4] == pytest.approx(0.9) and 0 < first[0] < 0.05 and second[0] == 5
