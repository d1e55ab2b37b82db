"""all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019), an English sentence encoder, with LoRA adapters.

One session with one copy of the weights; a tenant's adapter (Hu et al. 2022) is a few matrices that are given along with
the text, so thousands of tenants share the encoder and a new adapter is in use with the next call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from duilian.serving import safetensors
from duilian.serving.cancelling import check
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.steps.bert_graph import graph, layers_of

MOST_TOKENS = 128  # of a text, as in training: the model was made for short passages
MOST_RANK = 64


class Configuration(msgspec.Struct):
    """What is read of the model's config.json."""

    num_attention_heads: int
    layer_norm_eps: float


class AdaptableEncoder:
    """Safe for threads. version: sha256 of the weights; dim: numbers of a vector."""

    def __init__(self, folder: Path, version: str) -> None:
        weights = safetensors.read((folder / "model.safetensors").read_bytes()).tensors
        facts = msgspec.json.decode((folder / "config.json").read_bytes(), type=Configuration)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # it warns of every default that an input has
        made = graph(weights, facts.num_attention_heads, facts.layer_norm_eps)
        # Any: the library's types say no more.
        self._session: Any = onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._layers = layers_of(weights)
        self.version, self.dim = version, int(weights["embeddings.word_embeddings.weight"].shape[1])

    def misfit(self, adapter: Adapter) -> str | None:
        """Why the adapter is none of this encoder, or None."""
        if adapter.base != self.version:
            return f"it was made for {adapter.base[:12]}, not {self.version[:12]}"
        halves: dict[str, dict[str, tuple[int, ...]]] = {}
        for name, matrix in adapter.matrices.items():
            layer, _, half = name.rpartition(".")
            halves.setdefault(layer, {})[half] = matrix.shape
        wrong = [layer for layer, found in halves.items() if not self._fits(layer, found)]
        return f"{wrong[0]} does not fit" if wrong else None

    def _fits(self, layer: str, found: Mapping[str, tuple[int, ...]]) -> bool:
        if layer not in self._layers or set(found) != {"down", "up"}:
            return False
        (going_in, coming_out), (down, up) = self._layers[layer], (found["down"], found["up"])
        rank = down[-1] if down else 0
        return 1 <= rank <= MOST_RANK and down == (going_in, rank) and up == (rank, coming_out)

    def encode(self, texts: list[str], adapter: Adapter | None = None) -> NDArray[np.float32]:
        """Rows of length 1, shape (len(texts), dim); one text at a time."""
        return np.stack([self._vector(text, adapter) for text in texts])

    def _vector(self, text: str, adapter: Adapter | None) -> NDArray[np.float32]:
        check()
        ids = self._tokenizer.encode(text).ids
        given = {"ids": np.array(ids, np.int64)} | (adapter.matrices if adapter else {})
        return np.asarray(self._session.run(["vector"], given)[0], np.float32)
