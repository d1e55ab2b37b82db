"""Reading safetensors, a file of named arrays: length of the header (8 bytes), the header in JSON, the numbers."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

TYPES = {"F32": "<f4", "F16": "<f2"}


class Arrays(NamedTuple):
    """tensors: by name, float32; facts: what the file says of itself."""

    tensors: dict[str, NDArray[np.float32]]
    facts: dict[str, str]


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read(octets: bytes) -> Arrays:
    """Arrays of other types than TYPES are passed over. Raises ValueError on anything that is no such file."""
    length = int.from_bytes(octets[:8], "little")
    if len(octets) < 8 + length:
        raise ValueError("it ends within its header")
    header = msgspec.json.decode(octets[8 : 8 + length], type=dict[str, msgspec.Raw])
    facts = msgspec.json.decode(header.pop("__metadata__", msgspec.Raw(b"{}")), type=dict[str, str])
    entries = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in header.items()}
    body = memoryview(octets)[8 + length :]
    return Arrays({n: _array(n, e, body) for n, e in entries.items() if e.dtype in TYPES}, facts)


def _array(name: str, entry: _Entry, body: memoryview) -> NDArray[np.float32]:
    first, last = entry.data_offsets
    if not 0 <= first <= last <= len(body) or min(entry.shape, default=0) < 0:
        raise ValueError(f"{name} lies outside the file")
    values = np.frombuffer(body[first:last], TYPES[entry.dtype])
    if values.size != prod(entry.shape):
        raise ValueError(f"{name} has {values.size} numbers, not {entry.shape}")
    return values.astype(np.float32).reshape(entry.shape)
