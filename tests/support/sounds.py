"""Recordings that no interview should ever be judged by, made on the fly."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float64]


def write_wav(path: Path, samples: Samples) -> Path:
    """samples: mono at 16 kHz in [-1, 1]."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def silence(seconds: float) -> Samples:
    """Digital silence with the faint hiss of a microphone (-80 dBFS)."""
    return np.random.default_rng(1).normal(0, 1e-4, int(seconds * RATE))


def noise(seconds: float) -> Samples:
    """White noise at -20 dBFS."""
    return np.random.default_rng(2).normal(0, 0.1, int(seconds * RATE))


def music(seconds: float) -> Samples:
    """Chords of plucked strings over a bass, two a second: C, A minor, F, G."""
    roots = [(261.6, 329.6, 392.0), (220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7)]
    beat = np.arange(RATE // 2) / RATE
    decay = np.exp(-4 * beat)
    beats = [_chord(roots[i // 4 % 4], beat) * decay for i in range(int(seconds * 2))]
    return np.concatenate(beats)


def _chord(notes: tuple[float, ...], at: Samples) -> Samples:
    """Each note with three overtones, and a bass an octave below the lowest."""
    parts = [np.sin(2 * np.pi * note * k * at) / k for note in (notes[0] / 2, *notes) for k in (1, 2, 3, 4)]
    return 0.08 * np.sum(parts, axis=0)


def tone(seconds: float) -> Samples:
    """440 Hz at -14 dBFS."""
    return 0.2 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)


def write_webm(path: Path, samples: Samples, bit_rate: int) -> Path:
    """Opus in WebM as a browser's recorder makes it. samples: mono at 16 kHz; bit_rate: bits a second."""
    with av.open(str(path), "w", format="webm") as out:
        stream: Any = out.add_stream(
            "libopus", rate=48_000, layout="mono"
        )  # Any: PyAV's types differ by codec
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype("<i2")[None, :], layout="mono")
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def write_looped(path: Path, source: Path, seconds: float) -> Path:
    """The packets of `source` (WebM, Opus) over and over until `seconds` are full; nothing is encoded."""
    with av.open(str(source)) as first:
        stream = first.streams.audio[0]
        packets = [(bytes(p), p.pts, p.duration) for p in first.demux(stream) if p.pts is not None]
        base = stream.time_base or Fraction(1, 1000)
        with av.open(str(path), "w", format="webm") as out:
            target = out.add_stream_from_template(stream)
            turn = packets[-1][1] + (packets[-1][2] or 20)
            for start in range(0, int(seconds / base), turn):
                for data, pts, duration in packets:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = target, base
                    packet.pts = packet.dts = start + pts
                    packet.duration = duration
                    out.mux(packet)
    return path


def write_mute_video(path: Path, seconds: float) -> Path:
    """A grey picture without a sound track: VP8, two pictures a second."""
    with av.open(str(path), "w", format="webm") as out:
        add_pictures(out, seconds)
    return path


def add_pictures(out: Any, seconds: float) -> None:
    """A track of grey pictures in which nobody is. out: an open container (Any: PyAV's types differ by mode)."""
    stream = out.add_stream("libvpx", rate=2)
    stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
    for number in range(int(seconds * 2)):
        frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 90, np.uint8))
        frame.pts, frame.time_base = number, Fraction(1, 2)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())


def two_voices(main: Path, other: Path, out: Path, seconds: float = 5.0) -> Path:
    """The first recording with `seconds` of the second in its middle, as WebM with Opus."""
    whole, words = _samples(main), _samples(other)[: int(seconds * RATE)]
    middle, pause = len(whole) // 2, np.zeros(RATE // 2, np.int16)
    joined = np.concatenate([whole[:middle], pause, words, pause, whole[middle:]])
    return write_webm(out, joined.astype(np.float64) / 32768, 32_000)


def _samples(path: Path) -> NDArray[np.int16]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        blocks = [
            b.to_ndarray()[0] for f in [*container.decode(audio=0), None] for b in resampler.resample(f)
        ]
    return np.concatenate(blocks)
