"""Media in, samples and pictures out; whatever is broken is said."""

from __future__ import annotations

import io
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from duilian.serving.audio import decode_audio, sample_frames
from duilian.serving.errors import BrokenMedia, MissingMedia, TooLong

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech" / "zh" / "weak" / "complaint" / "01.webm"


def wav(seconds: float, rate: int = 8000, hertz: float = 440.0, channels: int = 1) -> bytes:
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.repeat((tone * 32767).astype("<i2"), channels).tobytes())
    return out.getvalue()


def video(seconds: int, brightness: int = 128, size: tuple[int, int] = (160, 120)) -> bytes:
    """A VP8 film of one grey at 10 pictures a second, without sound."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * 10):
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), brightness, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_any_rate_and_channels_become_16_khz_mono():
    samples = decode_audio(wav(2.0, rate=44_100, channels=2))
    assert samples.dtype == np.int16 and len(samples) == pytest.approx(32_000, abs=50)
    spectrum = np.abs(np.fft.rfft(samples / 32768))
    assert np.argmax(spectrum) * 16_000 / len(samples) == pytest.approx(440, abs=1)


def test_a_file_and_its_bytes_give_the_same_samples():
    assert np.array_equal(decode_audio(SPEECH), decode_audio(SPEECH.read_bytes()))


def test_a_recording_that_was_cut_off_gives_what_there_is():
    whole = SPEECH.read_bytes()
    cut = decode_audio(whole[: len(whole) // 2])
    full = decode_audio(whole)
    assert 0.3 < len(cut) / len(full) < 0.7
    assert np.array_equal(cut[:8000], full[:8000])


@pytest.mark.parametrize(
    "broken",
    [b"", b"garbage" * 1000, bytes(5000), SPEECH.read_bytes()[:40], b"RIFF\x00\x00\x00\x00WAVE", wav(0)],
    ids=["empty", "garbage", "zeros", "only a header", "half a header", "no samples"],
)
def test_broken_media_are_told(broken):
    with pytest.raises(BrokenMedia):
        decode_audio(broken)


def test_a_missing_file_and_a_missing_track_are_told(tmp_path):
    with pytest.raises(MissingMedia):
        decode_audio(tmp_path / "none.webm")
    with pytest.raises(BrokenMedia, match="no audio track"):
        decode_audio(video(1))


def test_two_hours_are_refused_early():
    with pytest.raises(TooLong):
        decode_audio(wav(7200, rate=1000))
    with pytest.raises(TooLong):
        decode_audio(wav(3.0), max_seconds=2.0)


def test_frames_are_sampled_over_the_whole_length():
    frames = sample_frames(video(9), every_seconds=2.0)
    assert [round(f.time) for f in frames] == [0, 2, 4, 6, 8]
    assert Image.open(io.BytesIO(frames[0].jpeg)).size == (320, 240)


def test_frames_are_bounded():
    frames = sample_frames(video(20), every_seconds=1.0, max_frames=6)
    assert len(frames) <= 6
    assert frames[-1].time > 14
    gaps = np.diff([f.time for f in frames])
    assert gaps.max() - gaps.min() < 0.2


def test_sound_alone_has_no_frames():
    assert sample_frames(SPEECH) == []
