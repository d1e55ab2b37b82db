"""A recogniser in SenseVoice's format with weights made by hand: it hears one token while there is sound.

Two loud bands decide: energy below the mean is blank, above it 你, 好 in turn by which half of the spectrum is louder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKENS = ["<blk>", "<|zh|>", "<|en|>", "<|nospeech|>", "<|NEUTRAL|>", "低", "高", "▁low"]
WIDTH = 560
LOUD = 12.0  # log energy of a 16-bit signal that counts as sound


def write_recogniser(folder: Path) -> Path:
    """model.onnx and tokens.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(TOKENS)), "utf-8")
    model = helper.make_model(_graph(), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    facts = {
        "lfr_window_size": 7,
        "lfr_window_shift": 6,
        "neg_mean": ",".join(["0"] * WIDTH),
        "inv_stddev": ",".join(["1"] * WIDTH),
        "lang_zh": 3,
        "lang_en": 4,
        "with_itn": 14,
        "without_itn": 15,
    }
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=str(value))
    onnx.save(model, str(folder / "model.onnx"))
    return folder


def _graph() -> onnx.GraphProto:
    """logits = four marks, then x @ W + b."""
    low = np.tile(np.arange(80) < 20, 7).astype(np.float32)
    high = 1 - low
    weights = np.zeros((WIDTH, len(TOKENS)), np.float32)
    weights[:, 5], weights[:, 6] = low / low.sum() * 4, high / high.sum() * 4
    bias = np.full(len(TOKENS), -60.0, np.float32)
    bias[[0, 5, 6]] = LOUD * 2, 0, 0
    bias[0] = LOUD * 4
    marks = np.full((1, 4, len(TOKENS)), -10.0, np.float32)
    marks[0, 0, 1], marks[0, 0, 2] = 3.0, 1.0
    marks[0, 1, 4] = marks[0, 2, 4] = marks[0, 3, 4] = 3.0
    given = {"W": weights, "b": bias, "marks": marks}
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["xw"]),
        helper.make_node("Add", ["xw", "b"], ["speech"]),
        helper.make_node("Concat", ["marks", "speech"], ["logits"], axis=1),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "T", WIDTH])]
    inputs += [
        helper.make_tensor_value_info(name, TensorProto.INT32, [1])
        for name in ("x_length", "language", "text_norm")
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "P", len(TOKENS)])]
    initial = [numpy_helper.from_array(array, name) for name, array in given.items()]
    return helper.make_graph(nodes, "tiny", inputs, outputs, initial)
