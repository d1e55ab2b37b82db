"""From segments as they were recorded to one playable file, without re-encoding.

WebM from a browser's recorder carries no duration and no index; a recording that went on after a crash consists of
several files. Both are mended by writing the packets anew with PyAV.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from duilian.platform.media import errors

_KEPT = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "mov,mp4,m4a,3gp,3g2,mj2": "video/mp4",
}
_WEBM = "matroska,webm"
_WEBM_CODECS = {"vp8", "vp9", "av1", "opus", "vorbis"}


@dataclass(frozen=True)
class Playable:
    """duration in seconds, measured from the packets."""

    data: bytes
    content_type: str
    duration: float


def assemble(segments: list[bytes], longest: float) -> Playable:
    """Raises EmptyRecording, BrokenRecording, RecordingTooLong (over `longest` seconds)."""
    filled = [segment for segment in segments if segment]
    if not filled:
        raise errors.EmptyRecording
    try:
        playable = _assemble(filled)
    except (FFmpegError, ValueError, IndexError) as error:
        raise errors.BrokenRecording from error
    if playable.duration <= 0:
        raise errors.BrokenRecording
    if playable.duration > longest:
        raise errors.RecordingTooLong(seconds=round(playable.duration), limit=round(longest))
    return playable


def _assemble(segments: list[bytes]) -> Playable:
    with av.open(io.BytesIO(segments[0]), "r") as first:
        kind = first.format.name
        codecs = {stream.codec_context.name for stream in first.streams if stream.type in ("audio", "video")}
        video = bool(first.streams.video)
    if not codecs:
        raise errors.BrokenRecording
    if kind == _WEBM and codecs <= _WEBM_CODECS:
        return _rewrite(segments, "webm", "video/webm" if video else "audio/webm")
    if kind not in _KEPT:
        raise errors.BrokenRecording
    if len(segments) == 1 and not kind.startswith("mov"):
        return Playable(segments[0], _KEPT[kind], _measured(segments[0]))
    if kind.startswith("mov"):
        return _rewrite(segments, "mp4", "video/mp4" if video else "audio/mp4")
    raise errors.BrokenRecording


def _measured(data: bytes) -> float:
    """Length in seconds by the last packet, whatever the header claims."""
    end = 0.0
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux(audio=0):
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end


def _rewrite(segments: list[bytes], kind: str, content_type: str) -> Playable:
    target = io.BytesIO()
    offset = Fraction(0)
    with av.open(target, "w", format=kind) as out:
        streams: dict[str, Any] = {}  # Any: PyAV's stream types differ by kind
        for data in segments:
            offset = max(offset, _append(out, streams, data, offset))
    return Playable(target.getvalue(), content_type, float(offset))


def _append(out: Any, streams: dict[str, Any], data: bytes, offset: Fraction) -> Fraction:
    """Write one segment behind `offset` seconds; gives the end of what was written."""
    end, packets = offset, 0
    try:
        with av.open(io.BytesIO(data), "r") as source:
            wanted = [*source.streams.video[:1], *source.streams.audio[:1]]
            for stream in wanted:
                if stream.type not in streams:
                    streams[stream.type] = out.add_stream_from_template(stream)
            for packet in source.demux([s for s in wanted if s.type in streams]):
                if packet.dts is None or packet.pts is None:
                    continue
                end = max(end, _write(out, streams[packet.stream.type], packet, offset))
                packets += 1
    except FFmpegError:
        # A recorder that was killed leaves a torn last block; what came before it is whole.
        if not packets:
            raise
    return end


def _write(out: Any, stream: Any, packet: Any, offset: Fraction) -> Fraction:
    base = packet.time_base
    shift = round(offset / base)
    packet.pts += shift
    packet.dts += shift
    end = (packet.pts + (packet.duration or 0)) * base
    packet.stream = stream
    out.mux(packet)
    return end
