"""Runs inside Triton's Python backend: one tenant's linear model, loaded and unloaded by name (see triton/tenants.py)."""

import io
import json
from pathlib import Path
from typing import Any  # of Triton's own objects, which ship no types

import numpy as np
import triton_python_backend_utils as triton  # pyright: ignore


class TritonPythonModel:
    """Input X, shape (batch, features); output Y, shape (batch, outputs): X @ weights + bias."""

    def initialize(self, args: Any):
        config = json.loads(args["model_config"])
        file = config["parameters"]["file"]["string_value"]
        folder = Path(args["model_repository"]) / args["model_version"]
        found = np.load(io.BytesIO((folder / file).read_bytes()), allow_pickle=False)
        self._weights, self._bias = found["weights"], found["bias"]

    def execute(self, requests: Any):
        """All that the server gathered in one multiplication."""
        rows = [triton.get_input_tensor_by_name(request, "X").as_numpy() for request in requests]
        found = np.concatenate(rows) @ self._weights + self._bias
        ends = np.cumsum([len(row) for row in rows])[:-1]
        return [
            triton.InferenceResponse([triton.Tensor("Y", part.astype(np.float32))])
            for part in np.split(found, ends)
        ]
