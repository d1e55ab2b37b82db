"""Messages about sentence vectors."""

from __future__ import annotations

from typing import Literal

from duilian.serving.contracts.base import Contract


class EmbedRequest(Contract, frozen=True, kw_only=True):
    """kind: "passage" for things that are searched, "query" for what searches them (e5 prefixes).

    adapter: of a tenant's own, as safetensors (steps/adapted.py): the adaptable encoder reads with it, and `kind` is
    without effect. Without one the shared encoder reads.
    """

    texts: list[str]
    kind: Literal["query", "passage"] = "passage"
    adapter: bytes = b""


class Embeddings(Contract, frozen=True, kw_only=True):
    """vectors: little-endian float32, shape (len(texts), dimension), L2-normalised rows."""

    vectors: bytes
    dimension: int
    versions: dict[str, str]
