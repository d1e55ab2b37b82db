"""Which executor runs a tflite model: this process, or a Triton server that has it loaded (DUILIAN_EXECUTOR)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from duilian.infra.settings import Settings
from duilian.serving.triton.client import Triton, session

_server: ContextVar[Triton | None] = ContextVar("triton", default=None)


class Interpreter(Protocol):
    """What our steps use of tflite's interpreter."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> list[dict[str, Any]]: ...
    def get_output_details(self) -> list[dict[str, Any]]: ...
    def set_tensor(self, index: int, value: NDArray[np.float32], /) -> None: ...
    def invoke(self) -> None: ...
    def get_tensor(self, index: int, /) -> NDArray[np.float32]: ...


@contextmanager
def run_by(settings: Settings) -> Generator[None]:
    """Interpreters made within the block run where the settings say."""
    token = _server.set(session(settings.triton_address) if settings.executor == "triton" else None)
    try:
        yield
    finally:
        _server.reset(token)


def interpreter_of(model: Path, threads: int) -> Interpreter:
    """The model file's folder names it on the server, as it does in the manifest."""
    from ai_edge_litert.interpreter import Interpreter as Local

    from duilian.serving.triton.executors import TritonInterpreter

    server = _server.get()
    if server is not None:
        return TritonInterpreter(server, model.parent.name, model)
    return Local(model_path=str(model), num_threads=threads)


def version_of(settings: Settings, name: str, here: str) -> str:
    """Of the model that runs: the server's where a server runs it. Raises ServingUnavailable."""
    return session(settings.triton_address).version(name) if settings.executor == "triton" else here
