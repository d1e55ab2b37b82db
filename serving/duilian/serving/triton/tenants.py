"""A tenant's own model on a Triton server: loaded by name when it is wanted, unloaded when it is not.

For operators' own programs; the scorer does not call it: its heads live inside it (scoring/heads.py). Each model here is a
process of the server (some 40 MB), so this is for few and large ones.
"""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray

from duilian.serving.triton.client import Triton
from duilian.serving.triton.repository import script

FILE = "weights.npz"
MOST = 64


class TenantModels:
    """Linear models by the sha256 of their weights: two tenants never share a name, a new version is a new name."""

    def __init__(self, server: Triton) -> None:
        self._server = server

    def load(
        self, tenant: str, weights: NDArray[np.float32], bias: NDArray[np.float32], most: int = MOST
    ) -> str:
        """weights: shape (features, outputs), bias: (outputs,). most: rows of a batch.

        Gives the name to ask for. Raises ServingUnavailable.
        """
        packed = io.BytesIO()
        np.savez(packed, weights=weights, bias=bias)
        sha = hashlib.sha256(weights.tobytes() + bias.tobytes()).hexdigest()[:12]
        name = f"tenant-{tenant}-{sha}"
        files = {f"1/{FILE}": packed.getvalue(), "1/model.py": script("linear").encode()}
        self._server.load(name, _config(name, sha, most, *weights.shape), files)
        return name

    def run(self, name: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """rows: shape (batch, features); gives (batch, outputs). Raises ServingUnavailable, TooSlow."""
        return self._server.infer(name, {"X": rows}, ["Y"])["Y"]

    def unload(self, name: str) -> None:
        self._server.unload(name)


def _config(name: str, sha: str, most: int, features: int, outputs: int) -> dict[str, object]:
    return {
        "name": name,
        "backend": "python",
        "max_batch_size": most,
        "input": [{"name": "X", "data_type": "TYPE_FP32", "dims": [features]}],
        "output": [{"name": "Y", "data_type": "TYPE_FP32", "dims": [outputs]}],
        "dynamic_batching": {"max_queue_delay_microseconds": 500},
        "parameters": {"file": {"string_value": FILE}, "sha256": {"string_value": sha}},
    }
