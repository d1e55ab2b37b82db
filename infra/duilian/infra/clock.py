"""The time: aware UTC everywhere in the store; people's zones only at the edge."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
