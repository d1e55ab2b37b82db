"""Who answers: this process (runtime.py) or a cluster (ray_tier.py), behind the same few lines of HTTP (app.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from duilian.serving.contracts import Health

STEPS = ("transcribe", "caption", "observe", "embed", "score", "converse")


class Reply(NamedTuple):
    """What goes back over the wire. content: MessagePack, the step's answer at 200, a ServingProblem otherwise."""

    status: int
    content: bytes
    headers: Mapping[str, str] = {}


class Tier(Protocol):
    def start(self) -> None:
        """Begins to load or to watch; returns at once."""
        ...

    def stop(self) -> None: ...

    async def answer(self, step: str, body: bytes) -> Reply:
        """step: one of STEPS. Cancelling the call ends its work. Raises Problem where nobody could answer."""
        ...

    async def health(self) -> Health: ...
