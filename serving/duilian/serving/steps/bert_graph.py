"""A BERT encoder (Devlin et al. 2019) as an ONNX graph made from its weights, with LoRA matrices as inputs.

Every dense layer computes x·W + b + (x·down)·up. `{layer}.down` and `{layer}.up` are inputs with zeros for a default, so
one session with one copy of W serves every tenant's adapter and the encoder as it is. Input `ids`: (tokens,), int64;
output `vector`: (dimension,), the mean of the tokens' states, length 1. One text at a time: nothing is padded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

OPSET, IR = 20, 10  # Gelu is an operator from 20 on
DENSE = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip
Weights = Mapping[str, NDArray[np.float32]]


def layers_of(weights: Weights) -> dict[str, tuple[int, int]]:
    """The layers that an adapter may change, with how many numbers go in and come out."""
    count = sum(name.endswith(f"{DENSE[0]}.weight") for name in weights)
    names = [f"encoder.layer.{number}.{part}" for number in range(count) for part in DENSE]
    shapes = {name: weights[f"{name}.weight"].shape for name in names}
    return {name: (shape[1], shape[0]) for name, shape in shapes.items()}


def graph(weights: Weights, heads: int, epsilon: float) -> bytes:
    """The model's bytes. heads: of attention; epsilon: of its norms."""
    return _Builder(weights, heads, epsilon).model().SerializeToString()


class _Builder:
    def __init__(self, weights: Weights, heads: int, epsilon: float) -> None:
        self._weights, self._heads, self._epsilon = weights, heads, epsilon
        self._nodes: list[Any] = []  # Any: what the onnx library makes has no types
        self._constants: list[Any] = []
        self._inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])]
        self._dimension = weights["embeddings.word_embeddings.weight"].shape[1]

    def model(self) -> ModelProto:
        layers = layers_of(self._weights)
        states = self._embeddings()
        for number in range(len(layers) // len(DENSE)):
            states = self._layer(f"encoder.layer.{number}", states)
        mean = self._node("ReduceMean", [states, self._numbers("axis", [0])], keepdims=0)
        self._node("LpNormalization", [mean], name="vector", axis=0, p=2)
        output = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [self._dimension])
        made = helper.make_graph(self._nodes, "encoder", self._inputs, [output], self._constants)
        return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)

    def _embeddings(self) -> str:
        """Words and places; every token is of the first segment, so its vector is added to the places."""
        name = "embeddings.position_embeddings.weight"
        places = self._weights[name] + self._weights["embeddings.token_type_embeddings.weight"][0]
        words = self._node("Gather", [self._weight("embeddings.word_embeddings.weight"), "ids"])
        first, axis = self._numbers("first", [0]), self._numbers("rows", [0])
        length = self._node("Shape", ["ids"])
        rows = self._node("Slice", [self._constant("places", places), first, length, axis])
        return self._norm("embeddings.LayerNorm", self._node("Add", [words, rows]))

    def _layer(self, name: str, states: str) -> str:
        mixed = self._dense(f"{name}.attention.output.dense", self._attention(f"{name}.attention", states))
        states = self._norm(f"{name}.attention.output.LayerNorm", self._node("Add", [states, mixed]))
        wide = self._node("Gelu", [self._dense(f"{name}.intermediate.dense", states)])
        narrow = self._dense(f"{name}.output.dense", wide)
        return self._norm(f"{name}.output.LayerNorm", self._node("Add", [states, narrow]))

    def _attention(self, name: str, states: str) -> str:
        """Scaled dot products (Vaswani et al. 2017), shape (tokens, dimension)."""
        size = self._dimension // self._heads
        split = self._numbers("split", [0, self._heads, size])
        query, key, value = (
            self._node("Reshape", [self._dense(f"{name}.self.{part}", states), split])
            for part in ("query", "key", "value")
        )
        query = self._node("Transpose", [query], perm=[1, 0, 2])
        key = self._node("Transpose", [key], perm=[1, 2, 0])
        value = self._node("Transpose", [value], perm=[1, 0, 2])
        root = self._constant("root", np.array(size**-0.5, np.float32))
        likeness = self._node("Mul", [self._node("MatMul", [query, key]), root])
        seen = self._node("MatMul", [self._node("Softmax", [likeness], axis=-1), value])
        together = self._node("Transpose", [seen], perm=[1, 0, 2])
        return self._node("Reshape", [together, self._numbers("join", [0, self._dimension])])

    def _dense(self, name: str, states: str) -> str:
        weight = self._weights[f"{name}.weight"]
        self._zeros(f"{name}.down", weight.shape[1], "rank")
        self._zeros(f"{name}.up", "rank", weight.shape[0])
        across = self._constant(f"{name}.weight", np.ascontiguousarray(weight.T))
        straight = self._node("Add", [self._node("MatMul", [states, across]), self._weight(f"{name}.bias")])
        adapted = self._node("MatMul", [self._node("MatMul", [states, f"{name}.down"]), f"{name}.up"])
        return self._node("Add", [straight, adapted])

    def _zeros(self, name: str, rows: int | str, columns: int | str) -> None:
        """An input with a default that changes nothing; `rank` is whatever the adapter's is."""
        shape = [1 if size == "rank" else int(size) for size in (rows, columns)]
        symbol = [f"{name}.rank" if size == "rank" else size for size in (rows, columns)]
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, symbol))
        self._constants.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))

    def _norm(self, name: str, states: str) -> str:
        given = [states, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._node("LayerNormalization", given, axis=-1, epsilon=self._epsilon)

    def _node(self, kind: str, given: list[str], name: str = "", **attributes: Any) -> str:
        name = name or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, given, [name], name=f"node:{name}", **attributes))
        return name

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _numbers(self, name: str, values: list[int]) -> str:
        return self._constant(f"number:{name}", np.array(values, np.int64))

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        if name not in {known.name for known in self._constants}:
            self._constants.append(numpy_helper.from_array(values, name))
        return name
