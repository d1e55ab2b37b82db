"""What all messages between the platform and the model tier have in common."""

from __future__ import annotations

from typing import Literal

import msgspec

Language = Literal["zh", "en"]
SAMPLE_RATE = 16_000


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every message."""
