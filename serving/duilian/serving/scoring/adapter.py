"""A tenant's adapter of the encoder (LoRA, Hu et al. 2022): two thin matrices for each layer that it changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from duilian.serving import safetensors
from duilian.serving.errors import AdapterBroken


@dataclass(frozen=True)
class Adapter:
    """matrices: `{layer}.down` (in, rank) and `{layer}.up` (rank, out); sha256: of its bytes; base: of the weights of the
    encoder that it was made for; bytes: in memory."""

    matrices: dict[str, NDArray[np.float32]]
    sha256: str
    base: str
    bytes: int

    @classmethod
    def of(cls, octets: bytes) -> Adapter:
        """Raises AdapterBroken on anything that is no adapter."""
        sha256 = hashlib.sha256(octets).hexdigest()
        try:
            matrices, facts = safetensors.read(octets)
        except (msgspec.DecodeError, ValueError) as error:
            raise AdapterBroken(sha256=sha256[:12], reason=str(error)) from error
        if not matrices or not all(np.isfinite(matrix).all() for matrix in matrices.values()):
            raise AdapterBroken(sha256=sha256[:12], reason="its matrices are missing or not finite")
        size = sum(matrix.nbytes for matrix in matrices.values())
        return cls(matrices, sha256, facts.get("base", ""), size)
