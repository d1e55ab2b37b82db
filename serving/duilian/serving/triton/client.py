"""Calls to a Triton server over gRPC, with deadlines and retries, told in our own words."""

from __future__ import annotations

import importlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duilian.serving.errors import ServingUnavailable, TooSlow

Array = NDArray[Any]  # float32, bool or bytes, as the model says
ATTEMPTS, FIRST_WAIT = (
    4,
    0.1,
)  # a server that is being restarted needs seconds; the caller's own retries follow
DEADLINE = 30.0  # seconds of one attempt
# A server that was restarted is tried again within a second; the library's own pause grows to two minutes.
CHANNEL = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]
GONE = ("UNAVAILABLE", "CANCELLED")


class Triton:
    """A server's sessions: one connection per thread (the library's clients are made for one), kept for all calls."""

    def __init__(self, address: str, deadline: float = DEADLINE) -> None:
        self.address, self._deadline = address, deadline
        self._threads = threading.local()

    @property
    def _client(self) -> Any:  # Any: the library ships no types
        if not hasattr(self._threads, "client"):
            self._threads.client = _library()[0].InferenceServerClient(self.address, channel_args=CHANNEL)
        return self._threads.client

    def infer(self, model: str, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Arrays in, arrays out, first dimension the batch.

        Raises ServingUnavailable (nobody there, model not loaded, queue full, an empty answer), TooSlow.
        """
        asked = [_input(name, array) for name, array in inputs.items()]
        wanted = [_library()[0].InferRequestedOutput(name) for name in outputs]
        answer = self._call(
            lambda: self._client.infer(model, asked, outputs=wanted, client_timeout=self._deadline)
        )
        found = {name: answer.as_numpy(name) for name in outputs}
        rows = len(next(iter(inputs.values())))
        for name, array in found.items():
            # With the wrong numpy in its environment the server answers emptily and calls it a success.
            if array is None or len(array) != rows or not array.size:
                raise ServingUnavailable(reason=f"{model} on {self.address} answered {name} empty")
        return found

    def version(self, model: str) -> str:
        """12 digits of the sha256 of what the server has loaded under this name. Raises as `infer` does."""
        return str(self._configuration(model).parameters["sha256"].string_value)

    def most(self, model: str) -> int:
        """Rows of its largest batch. Raises as `infer` does."""
        return int(self._configuration(model).max_batch_size)

    def _configuration(self, model: str) -> Any:  # Any: the library ships no types
        self._call(lambda: _must(self._client.is_model_ready(model, client_timeout=self._deadline), model))
        return self._call(lambda: self._client.get_model_config(model, client_timeout=self._deadline)).config

    def load(self, model: str, config: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Load a model that lies in no repository. files: content by path below the model's folder."""
        given = {f"file:{path}": content for path, content in files.items()}
        self._call(
            lambda: self._client.load_model(
                model, config=json.dumps(config), files=given, client_timeout=self._deadline
            )
        )

    def unload(self, model: str) -> None:
        """Also where it is not loaded."""
        self._call(lambda: self._client.unload_model(model, client_timeout=self._deadline))

    def loaded(self, model: str) -> bool:
        return bool(self._call(lambda: self._client.is_model_ready(model, client_timeout=self._deadline)))

    def ready(self) -> bool:
        """One attempt; False where nobody answers."""
        try:
            return bool(self._client.is_server_ready(client_timeout=2.0))
        except _library()[1].InferenceServerException:
            return False

    def _call(self, call: Any) -> Any:  # Any: what the library's methods give
        """Again where the server was gone; a full queue and a refusal are not tried again here."""
        for attempt in range(ATTEMPTS):
            try:
                return call()
            except _library()[1].InferenceServerException as error:
                status = str(error.status() or "").removeprefix("StatusCode.")
                if status == "DEADLINE_EXCEEDED":
                    raise TooSlow(seconds=round(self._deadline)) from error
                if status not in GONE or attempt == ATTEMPTS - 1:
                    reason = f"Triton at {self.address}: {error.message()}"
                    raise ServingUnavailable(reason=reason) from error
            time.sleep(FIRST_WAIT * 4**attempt)
        raise AssertionError("the last attempt returns or raises")


@cache
def _library() -> tuple[Any, Any]:
    """The client's two modules, which ship no types; loaded where Triton is used and nowhere else (0.5 s)."""
    return importlib.import_module("tritonclient.grpc"), importlib.import_module("tritonclient.utils")


@cache
def session(address: str) -> Triton:
    """The one of this process for an address: every step shares it."""
    return Triton(address)


def _must(ready: bool, model: str) -> None:
    if not ready:
        raise _library()[1].InferenceServerException(f"model {model} is not loaded", status="NOT_FOUND")


def _input(name: str, array: Array) -> Any:
    tensor = _library()[0].InferInput(name, list(array.shape), _library()[1].np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(np.ascontiguousarray(array))
    return tensor
