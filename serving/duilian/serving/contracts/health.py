"""What the tier says of itself, and of what went wrong."""

from __future__ import annotations

import msgspec

from duilian.serving.contracts.base import Contract


class Health(Contract, frozen=True, kw_only=True):
    """ready: every model loaded. models: name to version (first 12 digits of its sha256).

    problems: also of what the rest works without (a language model that does not answer). since: when this process began,
    ISO 8601. lost: replicas that calls were lost with and made again on others, with the time, the latest 20, oldest first.
    """

    ready: bool
    models: dict[str, str]
    problems: list[str]
    since: str = ""
    lost: list[str] = msgspec.field(default_factory=list[str])


class ServingProblem(Contract, frozen=True, kw_only=True):
    """A refusal. code: "bad-request", "model-unavailable", "too-long", "busy", "artefact-needed", "head-broken", …

    chinese: the detail for a Chinese reader; empty where there is none.
    """

    code: str
    detail: str
    chinese: str = ""
