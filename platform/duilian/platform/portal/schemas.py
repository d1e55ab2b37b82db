"""Bodies of the candidate API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from duilian.platform.media.finish import FinishedSegment
from duilian.platform.sessions.answering import Fact


class Consents(msgspec.Struct, frozen=True):
    version: str
    decisions: dict[str, bool]


class DeviceCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser found. level in dBFS, network in kbit/s, brightness as mean luma 0–255."""

    camera: Annotated[str, msgspec.Meta(max_length=40)]
    microphone: Annotated[str, msgspec.Meta(max_length=40)]
    level_dbfs: float | None = None
    network_kbps: float | None = None
    round_trip_ms: float | None = None
    brightness: float | None = None


class NewTake(msgspec.Struct, frozen=True):
    mode: Literal["video", "audio"]
    content_type: Annotated[str, msgspec.Meta(max_length=100)]


class NewSegment(msgspec.Struct, frozen=True):
    content_type: Annotated[str, msgspec.Meta(max_length=100)]


class Finish(msgspec.Struct, frozen=True):
    segments: Annotated[list[FinishedSegment], msgspec.Meta(max_length=50)]
    events: Annotated[list[Fact], msgspec.Meta(max_length=5000)] = []


class WrittenAnswer(msgspec.Struct, frozen=True):
    text: Annotated[str, msgspec.Meta(max_length=100_000)]
    events: Annotated[list[Fact], msgspec.Meta(max_length=5000)] = []


class Submit(msgspec.Struct, frozen=True):
    leave_unanswered: bool = False


class HumanRoute(msgspec.Struct, frozen=True):
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
