"""Runs inside Triton's Python backend: any tflite model with one input picture, under its own tensors' names."""

import json
from pathlib import Path
from typing import Any  # of Triton's own objects, which ship no types

import numpy as np
import triton_python_backend_utils as triton  # pyright: ignore
from ai_edge_litert.interpreter import Interpreter


class TritonPythonModel:
    """The first dimension of every tensor is the batch; its pictures run one after the other."""

    def initialize(self, args: Any):
        config = json.loads(args["model_config"])
        file = config["parameters"]["file"]["string_value"]
        folder = Path(args["model_repository"]) / args["model_version"]
        self._interpreter = Interpreter(model_path=str(folder / file), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()

    def execute(self, requests: Any):
        return [triton.InferenceResponse(self._run(request)) for request in requests]

    def _run(self, request: Any):
        pictures = triton.get_input_tensor_by_name(request, self._input["name"]).as_numpy()
        found = [self._one(picture) for picture in pictures]
        return [
            triton.Tensor(output["name"], np.stack([row[i] for row in found]).astype(np.float32))
            for i, output in enumerate(self._outputs)
        ]

    def _one(self, picture: Any):
        self._interpreter.set_tensor(self._input["index"], picture[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output["index"])[0] for output in self._outputs]
