"""Directions, blinks and smiles, by the real models on two real faces; and nothing of it unless asked for."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from duilian.serving.audio import sample_bursts, sample_frames
from duilian.serving.contracts import Frame, ObserveRequest
from duilian.serving.steps.gaze import Direction, blinks, gazes, stretches
from face_clip import ensure_face_clip, ensure_smile

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return ensure_face_clip(tmp_path_factory.mktemp("face")).with_name("face.webm")


@pytest.fixture(scope="module")
def smile(tmp_path_factory) -> Image.Image:
    return Image.open(ensure_smile(tmp_path_factory.mktemp("smile"))).convert("RGB")


def framed(*pictures: Image.Image) -> list[Frame]:
    out: list[Frame] = []
    for number, picture in enumerate(pictures):
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=92)
        out.append(Frame(time=2.0 * number, jpeg=data.getvalue()))
    return out


def look(observer, *pictures: Image.Image):
    return observer.observe(ObserveRequest(frames=framed(*pictures), measures=["gaze", "expression"]))


def test_what_is_not_asked_for_is_not_computed(observer, smile):
    seen = observer.observe(ObserveRequest(frames=framed(smile)))
    assert seen.frames[0].gaze is None and seen.frames[0].smiling is None
    assert (seen.measures, seen.look_away_times, seen.smiles, seen.blinks) == ([], [], None, None)
    assert "face-landmarks" not in seen.versions
    one = observer.observe(ObserveRequest(frames=framed(smile), measures=["expression"]))
    assert one.frames[0].gaze is None and one.frames[0].smiling is True and one.blinks is None


def test_size_and_place_of_the_face(observer, smile):
    placing = observer.observe(ObserveRequest(frames=framed(smile))).placing
    assert 0.03 < placing.area < 0.15 and 0.35 < placing.x < 0.5 and 0.15 < placing.y < 0.35


def test_a_tilted_head_is_tilted_by_as_much(observer, smile):
    straight, left, right = (
        f.gaze for f in look(observer, smile, smile.rotate(15), smile.rotate(-15)).frames
    )
    assert left.roll - straight.roll == pytest.approx(-15, abs=2)
    assert right.roll - straight.roll == pytest.approx(15, abs=2)


def test_a_mirror_turns_directions_around(observer, clip):
    pictures = [Image.open(io.BytesIO(f.jpeg)) for f in sample_frames(clip, every_seconds=1.0, width=640)]
    mirrored = [p.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for p in pictures]
    ahead, back = look(observer, *pictures).frames, look(observer, *mirrored).frames
    turned = [(a.gaze.yaw, b.gaze.yaw) for a, b in zip(ahead, back, strict=True) if a.gaze and b.gaze]
    assert len(turned) >= 6
    assert max(abs(a) for a, _ in turned) > 8, "the clip's man turns his head"
    assert np.mean([abs(a + b) for a, b in turned]) < 5


def test_smiles(observer, smile, clip):
    serious = Image.open(io.BytesIO(sample_frames(clip, width=640)[0].jpeg))
    seen = look(observer, smile, serious, smile, smile)
    assert [f.smiling for f in seen.frames] == [True, False, True, True]
    assert seen.smiles == 2


def shut(picture: Image.Image) -> Image.Image:
    """The lids come down: skin over both eyes, and a line where they meet."""
    closed = picture.copy()
    draw = ImageDraw.Draw(closed)
    for x, y in ((195, 107), (247, 109)):
        draw.ellipse((x - 15, y - 9, x + 15, y + 6), fill=picture.getpixel((x, y + 22)))
        draw.line((x - 12, y + 5, x + 12, y + 5), fill=(90, 50, 40), width=2)
    return closed


def test_shut_eyes_and_blinks(observer, smile):
    opened, closed = (f.gaze.eyes_open for f in look(observer, smile, shut(smile)).frames)
    assert opened > 0.25 and closed < opened / 2
    pattern = [smile] * 6 + [shut(smile)] * 2 + [smile] * 6 + [shut(smile)] * 8 + [smile] * 6
    burst = [Frame(time=i / 10, jpeg=f.jpeg) for i, f in enumerate(framed(*pattern))]
    request = ObserveRequest(frames=framed(smile), measures=["gaze"], blink_frames=[burst])
    found = observer.observe(request).blinks
    assert (found.count, found.seconds) == (1, 2.7), "closing the eyes for 0.8 s is no blink"


def test_bursts_are_dense_and_few(clip):
    (burst,) = sample_bursts(clip)
    assert 30 <= len(burst) <= 41 and burst[-1].time < 4
    assert np.diff([f.time for f in burst]).min() > 0.08


def towards(horizontal: float, vertical: float = 0.0, eyes_open: float = 0.35) -> Direction:
    return Direction(horizontal, vertical, 0.0, horizontal, vertical, eyes_open)


def test_the_screen_is_where_somebody_usually_looks():
    on = [
        g and g.on_screen
        for g in gazes([towards(12), towards(10), None, towards(14), towards(-15), towards(11)])
    ]
    assert on == [True, True, None, True, False, True]
    assert [g.on_screen for g in gazes([towards(50)] * 3) if g] == [False] * 3, (
        "no screen stands so far aside"
    )
    assert [g.on_screen for g in gazes([towards(0), towards(0), towards(0, -25)]) if g] == [True, True, False]
    blink = gazes([towards(0), towards(0), towards(0, -25, eyes_open=0.05)])[2]
    assert blink and blink.on_screen


def test_counting():
    assert stretches([True, True, False, True]) == 2 and stretches([]) == 0
    assert blinks([]).count == 0 and blinks([[]]).seconds == 0
