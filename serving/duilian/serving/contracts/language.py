"""Messages to a language model: tasks and materials apart, answers by a schema."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from duilian.serving.contracts.base import Contract


class Material(Contract, frozen=True, kw_only=True):
    """Something to be examined: an answer, a résumé, a question. Never an instruction."""

    name: str
    text: str


class ConverseRequest(Contract, frozen=True, kw_only=True):
    """instructions: ours, fixed, without a word of anybody else's. schema: JSON Schema (2020-12) of the answer.

    tenant: whose budget pays. prompt: what the instructions are called in the answer's versions. seed: goes to
    the endpoint; whether the same seed gives the same answer is the endpoint's promise (ours on one machine does).
    """

    tenant: str
    prompt: str
    instructions: str
    materials: list[Material]
    schema: dict[str, Any]
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=8192)] = 512
    seed: int = 0
    deadline_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0


class ConverseResponse(Contract, frozen=True, kw_only=True):
    """content: JSON under the schema. versions: of the model, and of the prompt by its sha256.

    Tokens: as the endpoint counted them, 0 where it does not.
    """

    content: str
    prompt_tokens: int
    completion_tokens: int
    versions: dict[str, str]
