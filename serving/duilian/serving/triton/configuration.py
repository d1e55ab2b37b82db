"""Triton's model configuration as text (config.pbtxt), from a row of the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from duilian.serving.manifest import OnTriton

Kind = Literal["TYPE_FP32", "TYPE_STRING", "TYPE_BOOL"]


@dataclass(frozen=True)
class Tensor:
    """shape: without the batch."""

    name: str
    kind: Kind
    shape: Sequence[int]

    def text(self) -> str:
        return f'{{ name: "{self.name}" data_type: {self.kind} dims: [ {", ".join(map(str, self.shape))} ] }}'

    def zeros(self) -> str:
        dims = ", ".join(map(str, self.shape))
        return (
            f'{{ key: "{self.name}" value: {{ data_type: {self.kind} dims: [ {dims} ] zero_data: true }} }}'
        )


@dataclass(frozen=True)
class Served:
    """What the server is told of one model. file: in the version's folder; sha: 12 digits of its sha256."""

    name: str
    file: str
    sha: str
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    limits: OnTriton


def configuration(model: Served) -> str:
    """Batching, instances and warm-up, as `limits` say; the highest version in the folder is the one that is served."""
    limits = model.limits
    return f"""name: "{model.name}"
backend: "python"
max_batch_size: {limits.max_batch}
input [ {", ".join(tensor.text() for tensor in model.inputs)} ]
output [ {", ".join(tensor.text() for tensor in model.outputs)} ]
dynamic_batching {{ max_queue_delay_microseconds: {limits.delay_us}
  default_queue_policy {{ timeout_action: REJECT default_timeout_microseconds: {limits.timeout_us} max_queue_size: {limits.queue} }} }}
instance_group [ {{ count: {limits.instances} kind: {limits.kind} }} ]
version_policy {{ latest {{ num_versions: 1 }} }}
model_warmup [ {{ name: "zeros" batch_size: 1 inputs: [ {", ".join(t.zeros() for t in model.inputs)} ] }} ]
parameters [ {{ key: "file" value: {{ string_value: "{model.file}" }} }}, {{ key: "sha256" value: {{ string_value: "{model.sha}" }} }} ]
"""
