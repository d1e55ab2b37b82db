"""What the tier says of itself, and of what went wrong."""

from __future__ import annotations

from duilian.serving.contracts.base import Contract


class Health(Contract, frozen=True, kw_only=True):
    """ready: every model loaded. models: name to version (first 12 digits of its sha256).

    problems: also of what the rest works without (a language model that does not answer).
    """

    ready: bool
    models: dict[str, str]
    problems: list[str]


class ServingProblem(Contract, frozen=True, kw_only=True):
    """A refusal. code: "bad-request", "model-unavailable", "too-long", "busy", "artefact-needed", "head-broken", …

    chinese: the detail for a Chinese reader; empty where there is none.
    """

    code: str
    detail: str
    chinese: str = ""
