"""Media into what the models take: 16 kHz mono samples and small pictures. Streaming, with bounded memory."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import av.error
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from duilian.serving.contracts import SAMPLE_RATE, Frame
from duilian.serving.errors import BrokenMedia, MissingMedia, TooLong

MAX_SECONDS = 15 * 60.0
Media = Path | bytes
MOST_BURSTS = 12
JPEG_QUALITY = 4  # of the encoder's scale 2 (best) to 31


def decode_audio(source: Media, max_seconds: float = MAX_SECONDS) -> NDArray[np.int16]:
    """The first audio track as int16 mono at 16 kHz, shape (samples,).

    Raises MissingMedia, BrokenMedia (empty, damaged, no audio track), TooLong.
    """
    blocks: list[NDArray[np.int16]] = []
    count = 0
    for block in _audio_blocks(source, max_seconds):
        blocks.append(block)
        count += len(block)
        if count > max_seconds * SAMPLE_RATE:
            raise TooLong(seconds=count / SAMPLE_RATE, limit=max_seconds)
    if not count:
        raise BrokenMedia(reason="its audio track is empty")
    return np.concatenate(blocks)


def sample_frames(
    source: Media, every_seconds: float = 2.0, max_frames: int = 90, width: int = 320
) -> list[Frame]:
    """JPEG pictures, one about every `every_seconds`; where that would be more than `max_frames`, every other one
    is dropped and the step doubles. Empty where there is no video track.

    Raises MissingMedia, BrokenMedia.
    """
    kept: list[Frame] = []
    step = every_seconds
    with _opened(source) as container:
        if not container.streams.video:
            return []
        for time, frame in _pictures(container):
            if kept and time < kept[-1].time + step:
                continue
            if len(kept) == max_frames:
                kept, step = kept[::2], step * 2
                if time < kept[-1].time + step:
                    continue
            kept.append(Frame(time=time, jpeg=_jpeg(frame, width)))
    return kept


def sample_bursts(
    source: Media, every_seconds: float = 20.0, seconds: float = 4.0, rate: float = 10.0, width: int = 480
) -> list[list[Frame]]:
    """Runs of neighbouring pictures, `rate` a second for `seconds`, one run every `every_seconds`, twelve at most.

    For what is over within a tenth of a second. Raises MissingMedia, BrokenMedia.
    """
    bursts: list[list[Frame]] = []
    with _opened(source) as container:
        if not container.streams.video:
            return []
        for time, frame in _pictures(container):
            number, within = int(time // every_seconds), time % every_seconds
            if within >= seconds or number >= MOST_BURSTS:
                continue
            while len(bursts) <= number:
                bursts.append([])
            if not bursts[number] or time >= bursts[number][-1].time + 0.9 / rate:
                bursts[number].append(Frame(time=time, jpeg=_jpeg(frame, width)))
    return [burst for burst in bursts if burst]


def _audio_blocks(source: Media, max_seconds: float) -> Iterator[NDArray[np.int16]]:
    with _opened(source) as container:
        if not container.streams.audio:
            raise BrokenMedia(reason="it has no audio track")
        if container.duration and container.duration / av.time_base > max_seconds + 1:
            raise TooLong(seconds=container.duration / av.time_base, limit=max_seconds)
        resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None  # gaps in recorded stamps are no silence; the samples follow each other
            for out in resampler.resample(frame):
                yield out.to_ndarray()[0]
        for out in resampler.resample(None):
            yield out.to_ndarray()[0]


def _pictures(container: InputContainer) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decoded pictures with their time from the first one, in seconds."""
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    first: float | None = None
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        first = frame.time if first is None else first
        yield frame.time - first, frame


def _jpeg(frame: av.VideoFrame, width: int) -> bytes:
    height = max(2, round(frame.height * width / frame.width / 2) * 2)
    small = frame.reformat(width=width, height=height, format="yuvj420p")
    small.pts = None
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.qmin = encoder.qmax = JPEG_QUALITY
    encoder.time_base = Fraction(1, 25)
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])


@contextmanager
def _opened(source: Media) -> Generator[InputContainer]:
    """Opens the container; whatever its library finds wrong becomes BrokenMedia."""
    if isinstance(source, Path) and not source.is_file():
        raise MissingMedia(file=source)
    if (source.stat().st_size if isinstance(source, Path) else len(source)) == 0:
        raise BrokenMedia(reason="it is empty (0 bytes)")
    mode: Literal["r"] = "r"
    try:
        with av.open(str(source) if isinstance(source, Path) else io.BytesIO(source), mode) as container:
            yield container
    except (av.error.FFmpegError, EOFError) as error:
        raise BrokenMedia(reason=f"{getattr(error, 'strerror', '') or error}") from error
