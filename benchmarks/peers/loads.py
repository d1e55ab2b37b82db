"""What several benchmarks need: answers to send, a serving process, Zipf traffic. Not a benchmark itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray
from transcribe import Answer, read_answers, recordings

from stacks import free_block

TOKEN = "a-token"


@dataclass(frozen=True)
class Server:
    url: str
    token: str
    pid: int


@contextmanager
def serving_process() -> Generator[Server]:
    """`duilian serving` on a port of its own, ready."""
    port = free_block()
    environment = os.environ | {"DUILIAN_SERVING_PORT": str(port), "DUILIAN_SERVING_TOKEN": TOKEN}
    command = [str(Path(sys.executable).with_name("duilian")), "serving"]
    process = subprocess.Popen(command, env=environment)
    server = Server(f"http://127.0.0.1:{port}", TOKEN, process.pid)
    try:
        while not _ready(server.url):
            if process.poll() is not None:
                raise RuntimeError("the serving process has ended")
            time.sleep(0.2)
        yield server
    finally:
        process.kill()
        process.wait(20)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def shortest_answers(folder: Path | None, count: int) -> list[Answer]:
    return sorted(read_answers(recordings(folder)), key=lambda a: (a.seconds, a.text))[:count]


def zipf(tenants: int, calls: int, exponent: float = 1.1) -> NDArray[np.int64]:
    """Which tenant calls, for each call: the n-th busiest by 1/n^exponent."""
    weights = 1 / np.arange(1, tenants + 1) ** exponent
    return np.random.default_rng(7).choice(tenants, calls, p=weights / weights.sum())
